import fs from "node:fs";
import { open } from "../base/file-calls.ts";
import { fsError } from "../linux/errno.ts";
import { O_PATH } from "../linux/libc.ts";

/**
 * A colon in a directory's name is written as `\:`, and a backslash as two (kernel documentation, overlayfs): what
 * separates names is a colon behind an even number of backslashes.
 */
const SEPARATOR = /(?<=(?:^|[^\\])(?:\\\\)*):/;

/** The directories that an option `lowerdir=…` names, uppermost first; undefined for any other option. */
export function lowerDirsOf(option: string): string[] | undefined {
  if (!option.startsWith("lowerdir=")) return undefined;
  const names = option.slice("lowerdir=".length).split(SEPARATOR);
  return names.map(unescapeName);
}

/** The name of a directory as the file system has it, of the name as an option of overlay has it. */
export function unescapeName(name: string): string {
  return name.replace(/\\(.)/gs, "$1");
}

/** The name of a directory as an option of overlay has it; a comma would end the option. */
export function escapeName(name: string): string {
  return name.replace(/[\\:,]/g, "\\$&");
}

/** Options with other names for the same directories, good until closed. */
export interface ShortOptions {
  readonly options: readonly string[];
  readonly close: () => void;
}

/**
 * Opens each lower directory and names it by its descriptor, which takes 18 bytes at most whatever its path is.
 * The kernel keeps the directories, not the names.
 */
export async function shortenLowerDirs(options: readonly string[]): Promise<ShortOptions> {
  const fds: number[] = [];
  const close = () => {
    for (const fd of fds) fs.closeSync(fd);
  };
  try {
    const short = [];
    for (const option of options) short.push(await shorten(option, fds));
    return { options: short, close };
  } catch (err) {
    close();
    throw err;
  }
}

async function shorten(option: string, fds: number[]): Promise<string> {
  const names: string[] = [];
  for (const dir of lowerDirsOf(option) ?? []) {
    const fd = await open(dir, O_PATH).catch((err: unknown) => {
      throw fsError(`lower directory ${dir}`, err);
    });
    fds.push(fd);
    names.push(`/proc/self/fd/${fd}`);
  }
  return names.length === 0 ? option : `lowerdir=${names.join(":")}`;
}
