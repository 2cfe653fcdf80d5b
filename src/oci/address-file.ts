import { readTextFile, writeFileAtomically } from "../base/files.ts";
import { bundlePaths } from "./bundle-paths.ts";

/** Addresses have some hundred bytes (unix(7)). */
const MAX_ADDRESS_BYTES = 4 << 10;

/** The address on which the shim of a bundle serves; undefined where none was written. */
export function readAddress(bundle: string): string | undefined {
  return readTextFile(bundlePaths(bundle).address, MAX_ADDRESS_BYTES)?.trim();
}

/** Writes what {@link readAddress} and the daemon read. */
export function writeAddress(bundle: string, address: string): void {
  writeFileAtomically(bundlePaths(bundle).address, address);
}
