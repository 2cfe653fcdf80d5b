import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import path from "node:path";
import { readFromDisk } from "../../lab/read-from-disk.ts";
import type { SlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { isSameLiveProcess, readProcessStat } from "../../src/linux/process-stat.ts";
import type { CreateOptions, Workshop } from "./harness.ts";

/** How much a container of {@link dirtyContainer} writes, and the status it ends with. */
export const DATA_BYTES = 8 << 20;
export const STATUS = 5;

/**
 * Writes into the container's own root file system, and its digest beside it. A file that is there already is removed
 * first: ext4 writes out at once what is put in the place of an older content.
 */
const WRITE = `rm -f /data && dd if=/dev/urandom of=/data bs=1M count=${DATA_BYTES >> 20} && sha256sum /data > /sum`;
const SCRIPT = `${WRITE} && exit ${STATUS}`;

/** Whether a process has ended in all its threads, be it waited for or not. */
export function hasEnded(pid: number): boolean {
  const stat = readProcessStat(pid);
  return stat === undefined || !isSameLiveProcess(pid, stat.startTime);
}

/** Resolves when processes have ended. */
export async function ended(what: string, pids: readonly number[]): Promise<void> {
  await until(`${what} to end`, () => (pids.every(hasEnded) ? true : undefined));
}

/** What a test may set of a {@link dirtyContainer}. */
export interface DirtyOptions extends CreateOptions {
  readonly env?: Record<string, string>;
  /** Whether the disk takes a byte a second from then on, so that it has to be lifted for a release to end. */
  readonly slow?: boolean;
}

/** A container that has ended by itself, with data in its rootfs that is in the page cache only. */
export async function dirtyContainer(
  shop: Workshop,
  disk: SlowDisk,
  id: string,
  { env, slow = true, ...options }: DirtyOptions = {},
) {
  const made = await shop.create(
    id,
    { args: ["sh", "-c", SCRIPT], upperIn: disk.mountPoint, ...options },
    env,
  );
  const upper = path.join(disk.mountPoint, "upper", id);
  const before = disk.writtenBytes();
  await made.task.start({ id });
  const { exitStatus } = await made.task.wait({ id });
  assert.equal(exitStatus, STATUS, "the data could not be written");
  if (slow) disk.throttle(1);
  return {
    ...made,
    upper,
    /** How much the disk has taken since the data was written. */
    written: () => disk.writtenBytes() - before,
    /** The helpers that release its rootfs. */
    helpers: () => [...new Set(shop.pending().flatMap((one) => (one.id === id ? [one.helper.pid] : [])))],
    /** Resolves when the data is on the disk; fails where it is another. */
    async assertDurable(): Promise<void> {
      // Another container that was just being made may have had a copy of the mount, and written in the helper's place.
      await until("the data on the disk", () =>
        disk.writtenBytes() - before >= DATA_BYTES ? true : undefined,
      );
      assertIntact(upper);
    },
  };
}

/** Reads the data back from the disk and compares it with the digest that the container left. */
export function assertIntact(upper: string): void {
  const [data, sum] = ["data", "sum"].map((name) => readFromDisk(path.join(upper, name)));
  const digest = createHash("sha256")
    .update(data ?? "")
    .digest("hex");
  assert.equal(digest, String(sum).slice(0, 64));
}
