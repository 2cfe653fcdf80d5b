import fs from "node:fs";
import path from "node:path";
import { sleep } from "../../base/deadline.ts";
import { fsError } from "../errno.ts";
import { type CgroupDirs, readNow } from "./dirs.ts";

/** How soon it is looked again whether all processes are frozen, in milliseconds. */
const LOOK_MS = 1;

/** How often the freezer is told again: on v1 a process that forked at the wrong moment can escape one telling. */
const TELL_AGAIN = 10;

/** The file that freezes, what to write to it, and what tells that it is done. */
interface Freezer {
  readonly file: string;
  readonly frozen: string;
  readonly thawed: string;
  readonly isFrozen: () => boolean;
}

/**
 * Stops every process of a container where it is; resolves when all are. Undone by `thaw`, also when it fails.
 * `notFound` where the container has no freezer.
 */
export async function freeze(dirs: CgroupDirs, signal: AbortSignal): Promise<void> {
  const freezer = freezerOf(dirs);
  for (let look = 0; ; look++) {
    if (look % TELL_AGAIN === 0) write(freezer.file, freezer.frozen);
    if (freezer.isFrozen()) return;
    await sleep(LOOK_MS, signal);
  }
}

/** Lets the processes of a container go on. */
export function thaw(dirs: CgroupDirs): void {
  const freezer = freezerOf(dirs);
  write(freezer.file, freezer.thawed);
}

function freezerOf(dirs: CgroupDirs): Freezer {
  return dirs.version === 2 ? v2Freezer(dirs.unified) : v1Freezer(dirs.controllers.freezer ?? "");
}

function v1Freezer(dir: string): Freezer {
  const file = path.join(dir, "freezer.state");
  const isFrozen = () => readNow(file)?.trim() === "FROZEN";
  return { file, frozen: "FROZEN", thawed: "THAWED", isFrozen };
}

function v2Freezer(dir: string): Freezer {
  const isFrozen = () => /^frozen 1$/m.test(readNow(path.join(dir, "cgroup.events")) ?? "");
  return { file: path.join(dir, "cgroup.freeze"), frozen: "1", thawed: "0", isFrozen };
}

function write(file: string, text: string): void {
  try {
    fs.writeFileSync(file, text, { flag: "r+" });
  } catch (err) {
    throw fsError(`write ${text} to ${file}`, err);
  }
}
