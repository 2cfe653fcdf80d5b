import type { StatsFs } from "node:fs";
import { statfs } from "node:fs/promises";
import path from "node:path";
import { errnoOf } from "../../base/files.ts";
import { StatusError } from "../../base/status.ts";
import { DEFAULT_CONFIG_FILE, readConfig } from "../../config/config.ts";
import { readImagesConfig } from "../../config/images-directory.ts";
import { readRunDirectory } from "../../config/run-directory.ts";
import { type Check, type Finding, ok, warning, wrong } from "./check.ts";
import type { Host } from "./host.ts";

/** The file systems that have no disk below them (linux/magic.h). */
const IN_MEMORY: ReadonlySet<number> = new Set([0x0102_1994, 0x8584_58f6]);

/** Those that the kernel takes no upper directory on, as they have not what an overlay needs of it. */
const NOT_UPPER: ReadonlyMap<number, string> = new Map([
  [0x794c_7630, "an overlay"],
  [0x6969, "NFS"],
  [0x0102_1997, "9P"],
  [0x4d44, "FAT"],
  [0x2011_bab0, "exFAT"],
]);

/** Less than this a usual image does not fit in. */
const LITTLE_ROOM = 1 << 30;

/** What ebb is told, and where it keeps things. */
export const PLACE_CHECKS: readonly Check[] = [
  {
    name: "configuration",
    meaning: "a mistake in it stops each start of a container",
    remedy: "set right what is named; docs/config.md has every setting",
    needed: true,
    look: lookAtConfig,
  },
  {
    name: "run directory",
    meaning: "shims note down there what they release, and must not wait for a disk for it",
    remedy: "mount a tmpfs there, or set runtime.runDirectory to a directory on one",
    needed: false,
    look: lookAtRunDirectory,
  },
  {
    name: "image directory",
    meaning: "images are kept there, and what containers write",
    remedy: "set images.directory to one on a local disk (ext4, xfs, btrfs) with some GiB",
    needed: true,
    look: lookAtImagesDirectory,
  },
];

async function lookAtConfig(host: Host): Promise<Finding> {
  const { env } = host;
  try {
    await readConfig(env);
    await readRunDirectory(env);
    await readImagesConfig(env);
    const named = env.EBB_CONFIG || DEFAULT_CONFIG_FILE;
    return ok((await host.read(named)) === undefined ? `the defaults: there is no ${named}` : named);
  } catch (error) {
    return wrong(StatusError.from(error).message);
  }
}

async function lookAtRunDirectory({ env }: Host): Promise<Finding | readonly Finding[]> {
  const directory = await readRunDirectory(env).catch(() => undefined);
  // What is wrong with the configuration is told by the check above.
  if (directory === undefined) return [];
  const { type } = await fileSystemOf(directory);
  return IN_MEMORY.has(type) ? ok(`${directory}, on a tmpfs`) : warning(`${directory} is not on a tmpfs`);
}

async function lookAtImagesDirectory({ env }: Host): Promise<Finding | readonly Finding[]> {
  const directory = await readImagesConfig(env)
    .then((images) => images.directory)
    .catch(() => undefined);
  if (directory === undefined) return [];
  const { type, bavail, bsize } = await fileSystemOf(directory);
  const kind = NOT_UPPER.get(type);
  if (kind !== undefined) return wrong(`${directory} is on ${kind}, where containers cannot write`);
  const free = bavail * bsize;
  return (free < LITTLE_ROOM ? warning : ok)(`${directory}, ${Math.floor(free / 2 ** 20)} MiB are free`);
}

/** What is known of the file system that a directory is on, or will be on once it is made. */
async function fileSystemOf(directory: string): Promise<StatsFs> {
  try {
    return await statfs(directory);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT" || directory === "/") throw error;
    return fileSystemOf(path.dirname(directory));
  }
}
