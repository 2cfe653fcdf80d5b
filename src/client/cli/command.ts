import type { Command } from "commander";
import { StatusError } from "../../base/status.ts";
import { resolveShimBinary } from "../shim-binary.ts";
import { UsageError } from "./exit-status.ts";
import { packageInfo } from "./package-info.ts";

/** Puts a command into the program. Its action calls `done` with the exit status, once. */
export type AddCommand = (program: Command, done: (status: number) => void) => void;

/** For an option that may be given more than once. */
export function collect(word: string, words: string[] = []): string[] {
  return [...words, word];
}

/** The flag that names a shim, and what it says about itself. */
export const RUNTIME_FLAG = [
  "--runtime <shim>",
  "shim: a path, io.containerd.NAME.vN, or a program in PATH",
] as const;

/** The runtime that is used where none is named: ebb's own shim, from PATH or as it was built here. */
export function defaultRuntime(): string {
  try {
    return resolveShimBinary("io.containerd.ebb.v2");
  } catch {
    return packageInfo().shim ?? "io.containerd.ebb.v2";
  }
}

/** Checks what was typed; an error becomes a {@link UsageError} that begins with the flag. */
export function naming<T>(flag: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw new UsageError(`${flag}: ${StatusError.from(error).message}`);
  }
}
