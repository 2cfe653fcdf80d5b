import fs from "node:fs";
import path from "node:path";
import { readTextFile, writeFileAtomically } from "../base/files.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { bundlePaths } from "./bundle-paths.ts";
import { optionsFromJson, optionsToJson, type RuncOptions } from "./options.ts";

/** The largest file of a bundle other than config.json and the log; real ones have less than a page. */
const MAX_FILE_BYTES = 64 << 10;

/**
 * The path of a bundle that a request names, checked: absolute and plain, else `invalidArgument`; there, else
 * `notFound`; a directory, else `invalidArgument`.
 */
export function checkBundle(bundle: string): string {
  if (!path.isAbsolute(bundle) || path.normalize(bundle) !== bundle) {
    throw new StatusError(StatusCode.invalidArgument, `bundle ${bundle}: not an absolute, plain path`);
  }
  const stats = fs.statSync(bundle, { throwIfNoEntry: false });
  if (stats === undefined) throw new StatusError(StatusCode.notFound, `bundle ${bundle}: no such directory`);
  if (!stats.isDirectory())
    throw new StatusError(StatusCode.invalidArgument, `bundle ${bundle}: not a directory`);
  return bundle;
}

/**
 * The runtime options of a bundle's Create; undefined where none were written. The file is the one of
 * containerd-shim-runc-v2, so that the `delete` of either shim can clean up after the other.
 */
export function readOptions(bundle: string): RuncOptions | undefined {
  const file = bundlePaths(bundle).options;
  const text = readTextFile(file, MAX_FILE_BYTES);
  return text === undefined ? undefined : optionsFromJson(text, file);
}

/** Writes what {@link readOptions} reads. */
export function writeOptions(bundle: string, options: RuncOptions): void {
  writeFileAtomically(bundlePaths(bundle).options, optionsToJson(options));
}

/** The name of the runtime binary of a bundle, empty for the default; undefined where none was written. */
export function readRuntime(bundle: string): string | undefined {
  return readTextFile(bundlePaths(bundle).runtime, MAX_FILE_BYTES);
}

/** Writes what {@link readRuntime} reads. */
export function writeRuntime(bundle: string, binaryName: string): void {
  writeFileAtomically(bundlePaths(bundle).runtime, binaryName);
}
