import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The package that this file belongs to, whether it runs from its sources or from what was built of them. */
export interface PackageInfo {
  readonly version: string;
  /** The shim that was built with it; undefined where there is none. */
  readonly shim: string | undefined;
}

/** Reads the package's own package.json, which is in one of the folders above this file. */
export function packageInfo(): PackageInfo {
  let dir = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(dir, "package.json")) && dir !== "/") dir = path.dirname(dir);
  const { version } = JSON.parse(readFileSync(path.join(dir, "package.json"), "utf8")) as { version: string };
  const shim = path.join(dir, "dist/containerd-shim-ebb-v2");
  const files = [shim, path.join(dir, "dist/containerd-shim-ebb")];
  return { version, shim: files.every(existsSync) ? shim : undefined };
}
