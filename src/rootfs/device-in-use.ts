import fs from "node:fs";
import { errnoOf } from "../base/files.ts";
import type { PendingRelease } from "./pending.ts";

/**
 * The block devices among released mounts that are somebody's all the same, found out by an open that wants each for
 * itself (O_EXCL, open(2)): a process that works in a directory of the mount, has a file of it open or has a copy of
 * it keeps its device. One that cannot be asked, or is not there any more, is not named. It looks off the main
 * thread; nothing stays open.
 */
export async function devicesInUse(mounts: readonly PendingRelease[]): Promise<string[]> {
  const blocks = mounts.filter(({ kind }) => kind === "block");
  const devices = new Map(blocks.map(({ source, mounted }) => [source, mounted]));
  const inUse: string[] = [];
  for (const [source, number] of devices) if (await isInUse(source, number)) inUse.push(source);
  return inUse;
}

async function isInUse(source: string, number: string): Promise<boolean> {
  if (isFreeLoop(number)) return false;
  const { O_RDONLY, O_EXCL } = fs.constants;
  try {
    await (await fs.promises.open(source, O_RDONLY | O_EXCL)).close();
    return false;
  } catch (err) {
    return errnoOf(err) === "EBUSY";
  }
}

/** A loop device that shows no file any more is anybody's to take next, and whoever does must not meet us. */
function isFreeLoop(number: string): boolean {
  const device = `/sys/dev/block/${number}`;
  return number.startsWith("7:") && fs.existsSync(device) && !fs.existsSync(`${device}/loop/backing_file`);
}
