import { readdir } from "node:fs/promises";
import path from "node:path";

/** What containerd calls shims (its runtime/v2 documentation): their name, and the version of their interface. */
export const SHIM_NAME = /^containerd-shim-([\w-]+)-(v\d+)$/;

/** A program that is called like a shim. */
export interface ShimInPath {
  readonly name: string;
  readonly file: string;
}

/** All there are in the directories of a PATH, in its order; those of one directory by their names. */
export async function shimsInPath(searchPath: string): Promise<ShimInPath[]> {
  const dirs = searchPath.split(path.delimiter).filter((dir) => dir !== "");
  const found = dirs.map(async (dir) => {
    const names = await readdir(dir).catch(() => []);
    const shims = names.filter((name) => SHIM_NAME.test(name)).sort();
    return shims.map((name) => ({ name, file: path.resolve(dir, name) }));
  });
  return (await Promise.all(found)).flat();
}
