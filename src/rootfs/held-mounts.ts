import fs from "node:fs";
import { close, open } from "../base/file-calls.ts";
import { hasCode, StatusCode } from "../base/status.ts";
import { fsError } from "../linux/errno.ts";
import { O_PATH } from "../linux/libc.ts";
import type { MountInfo } from "../linux/mountinfo.ts";
import { type Backing, backingOf } from "./backing.ts";
import { mountsUnder } from "./mount-tree.ts";
import type { ReleaseRequest } from "./release-request.ts";

/** A mount that is held, and what is below it. */
export interface HeldMount {
  readonly mount: MountInfo;
  readonly backing: Backing;
  readonly fd: number;
}

/**
 * Opens each mount. One that somebody else has unmounted meanwhile is left out. `all` are the mounts around the rootfs
 * (`mountsAround`).
 */
export async function holdMounts(
  mounts: readonly MountInfo[],
  all: readonly MountInfo[],
  { rootfs, keep }: ReleaseRequest,
): Promise<HeldMount[]> {
  const going = new Set(mountsUnder(all, rootfs).filter(({ id }) => !keep?.has(id)));
  const staying = all.filter((mount) => !going.has(mount));
  const held: HeldMount[] = [];
  try {
    for (const mount of mounts) {
      const backing = await backingOf(mount, staying);
      const fd = await openMount(mount.mountPoint);
      if (fd !== undefined) held.push({ mount, backing, fd });
    }
    return held;
  } catch (err) {
    await closeAll(held);
    throw err;
  }
}

/** Not on the main thread: whoever closes the last descriptor of a mount that is detached waits for its disk. */
export async function closeAll(held: readonly HeldMount[]): Promise<void> {
  await Promise.allSettled(held.map(({ fd }) => close(fd)));
}

/** Whether an answer has to wait for the end of this mount. */
export function isAwaited({ backing: { kind } }: HeldMount): boolean {
  return kind === "block" || kind === "other";
}

/** Why an answer has to wait for the end of these mounts; empty where it has not. */
export function reasonToWait(held: readonly HeldMount[]): string {
  const slow = held.find(isAwaited);
  if (slow === undefined) return "";
  const { backing, mount } = slow;
  return backing.kind === "block"
    ? `${backing.source} is a block device`
    : `${mount.type} is of a kind that is not known`;
}

/**
 * A hold on a mount; undefined where somebody else has unmounted it meanwhile. Not on the main thread: some file
 * systems ask their server on the way (nfs, fuse).
 */
async function openMount(point: string): Promise<number | undefined> {
  try {
    return await open(point, O_PATH | fs.constants.O_NOFOLLOW);
  } catch (thrown) {
    const err = fsError(`open mount ${point}`, thrown);
    if (hasCode(err, StatusCode.notFound)) return undefined;
    throw err;
  }
}
