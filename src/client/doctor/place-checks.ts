import type { StatsFs } from "node:fs";
import { statfs } from "node:fs/promises";
import path from "node:path";
import { errnoOf } from "../../base/files.ts";
import { StatusError } from "../../base/status.ts";
import { DEFAULT_CONFIG_FILE, readConfig } from "../../config/config.ts";
import { readRunDirectory } from "../../config/run-directory.ts";
import { type Check, type Finding, missing, ok, warning } from "./check.ts";
import type { Host } from "./host.ts";

/** The file systems that have no disk below them (linux/magic.h). */
const IN_MEMORY: ReadonlySet<number> = new Set([0x0102_1994, 0x8584_58f6]);

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
];

async function lookAtConfig(host: Host): Promise<Finding> {
  const { env } = host;
  try {
    await readConfig(env);
    await readRunDirectory(env);
    const named = env.EBB_CONFIG || DEFAULT_CONFIG_FILE;
    return ok((await host.read(named)) === undefined ? `the defaults: there is no ${named}` : named);
  } catch (error) {
    return missing(StatusError.from(error).message);
  }
}

async function lookAtRunDirectory({ env }: Host): Promise<Finding | readonly Finding[]> {
  const directory = await readRunDirectory(env).catch(() => undefined);
  // What is wrong with the configuration is told by the check above.
  if (directory === undefined) return [];
  const { type } = await fileSystemOf(directory);
  return IN_MEMORY.has(type) ? ok(`${directory}, on a tmpfs`) : warning(`${directory} is not on a tmpfs`);
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
