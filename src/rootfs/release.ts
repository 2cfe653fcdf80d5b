import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import type { Logger } from "../base/logger.ts";
import { hasCode, StatusCode, StatusError } from "../base/status.ts";
import { fsError } from "../linux/errno.ts";
import { type Libc, O_PATH, UmountFlag } from "../linux/libc.ts";
import { type MountInfo, readMountInfo } from "../linux/mountinfo.ts";
import { isolationOf, mountPointsToIsolate, reachableMounts } from "./mount-tree.ts";
import { DEFAULT_HELPERS, type Helper, type HelperCommand, startHelper } from "./release-helper.ts";

const open = promisify(fs.open);
const close = promisify(fs.close);

/** A rootfs on its way out: it has left the mount tree, and a helper holds its last reference. */
export interface Release {
  /** What was unmounted, in order. Empty where nothing was mounted. */
  readonly mounts: readonly string[];
  /** The helpers, whose exits prove that the kernel has written everything out. */
  readonly helperPids: readonly number[];
  /**
   * Resolves when it has, with the milliseconds since the call; earlier where another mount namespace still has a
   * copy of the mount, which it got while this one was there and which no detaching reaches unless the parent is
   * shared. The sync is then done by whoever lets that copy go.
   */
  readonly ended: Promise<{ readonly ms: number }>;
}

/** What a release needs. */
export interface ReleaseOptions {
  readonly libc: Libc;
  /** Where it is mounted: an absolute path. */
  readonly rootfs: string;
  readonly logger: Logger;
  /** Mounts, by their ids in mountinfo, that stay. */
  readonly keep?: ReadonlySet<number>;
  /** What can hold a mount, the first that starts is taken; `cat` where it is missing. */
  readonly helpers?: readonly HelperCommand[];
}

/** Mounts stacked on one point come off one a round; nobody stacks more than a few. */
const MAX_ROUNDS = 64;

/**
 * Takes a rootfs, and what is mounted in it, out of the mount tree without waiting for the disk.
 *
 * The kernel syncs the file system below an overlay when the overlay's last reference goes, in the process that
 * lets it go (`cleanup_mnt`), and MNT_DETACH alone would make that us. So, for each mount:
 * 1. it is opened (O_PATH), and a helper process is started that inherits the descriptor;
 * 2. it is detached, which now only changes the tree; our descriptor is closed, which is not the last one (and off
 *    the main thread, as it is the last one after all where somebody has killed the helper);
 * 3. the helper is told to exit by the end of its stdin, and the kernel does the rest in its exit. Our own
 *    death tells it the same.
 *
 * When this resolves the tree is clean and nobody has waited. A path with nothing mounted is a release that has
 * ended. Where no helper can be started nothing is detached and the error is `unavailable`.
 */
export async function releaseRootfs(options: ReleaseOptions): Promise<Release> {
  const started = Date.now();
  const rootfs = await realMountPoint(options.rootfs);
  const mounts: string[] = [];
  const rounds: Round[] = [];
  for (let before = ""; ; ) {
    const left = reachableMounts(readMountInfo(), rootfs).filter(({ id }) => !options.keep?.has(id));
    if (left.length === 0) break;
    const now = left.map(({ id }) => id).join();
    if (now === before || rounds.length === MAX_ROUNDS) throw stillMounted(rootfs, left);
    before = now;
    const round = await detachRound({ ...options, rootfs }, left);
    rounds.push(round);
    mounts.push(...round.detached);
  }
  const ended = Promise.all(rounds.map((round) => round.ended)).then(() => ({ ms: Date.now() - started }));
  return { mounts, helperPids: rounds.map(({ helper }) => helper.pid), ended };
}

/**
 * The path as mountinfo has it: without symbolic links on the way, which a bundle's path may have. The last name
 * is not followed: a link is no mount point, and looking at what is mounted could wait for its disk.
 */
export async function realMountPoint(rootfs: string): Promise<string> {
  const wanted = path.resolve(rootfs);
  const real = await fs.promises.realpath(path.dirname(wanted)).catch(() => path.dirname(wanted));
  return path.join(real, path.basename(wanted));
}

function stillMounted(rootfs: string, left: readonly MountInfo[]): StatusError {
  const points = left.map(({ mountPoint }) => mountPoint).join(", ");
  return new StatusError(
    StatusCode.failedPrecondition,
    `${rootfs} cannot be unmounted: still there: ${points}`,
  );
}

interface Round {
  readonly helper: Helper;
  readonly detached: readonly string[];
  /** Resolves when neither the helper nor we hold a mount any more. */
  readonly ended: Promise<unknown>;
}

/** Detaches what can be reached now, the deepest points first. */
async function detachRound(options: ReleaseOptions, left: readonly MountInfo[]): Promise<Round> {
  const { libc, rootfs, logger, helpers = DEFAULT_HELPERS } = options;
  const { points, fds } = await openMounts(left);
  const helper = await startHelper(fds, helpers).catch(async (err) => {
    await closeAll(fds);
    throw err;
  });
  const detached: string[] = [];
  let ended: Promise<unknown>;
  try {
    for (const point of mountPointsToIsolate(readMountInfo(), rootfs)) await libc.mount(isolationOf(point));
    for (const point of points) if (detach(libc, point)) detached.push(point);
  } finally {
    // In this order: the helper's must be the last reference.
    const closed = closeAll(fds).then(helper.letGo);
    ended = Promise.all([closed, helper.exited]);
    // Ours is the last one where the helper has been killed. Its sync is not waited for here.
    await Promise.race([closed, helper.exited]);
  }
  logger.debug("detached", { mounts: detached, helper: helper.pid });
  return { helper, detached, ended };
}

async function openMounts(mounts: readonly MountInfo[]): Promise<{ points: string[]; fds: number[] }> {
  const points: string[] = [];
  const fds: number[] = [];
  try {
    for (const { mountPoint } of mounts) {
      const fd = await openMount(mountPoint);
      if (fd === undefined) continue;
      fds.push(fd);
      points.push(mountPoint);
    }
    return { points, fds };
  } catch (err) {
    await closeAll(fds);
    throw err;
  }
}

/** Not on the main thread: whoever closes the last descriptor of a mount that is detached waits for its disk. */
async function closeAll(fds: readonly number[]): Promise<void> {
  await Promise.allSettled(fds.map((fd) => close(fd)));
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

/** Whether it was there to be detached: unmounting one of several peers takes away the others' mounts as well. */
function detach(libc: Libc, point: string): boolean {
  try {
    libc.umount(point, UmountFlag.detach | UmountFlag.noFollow);
    return true;
  } catch (err) {
    if (hasCode(err, StatusCode.invalidArgument) || hasCode(err, StatusCode.notFound)) return false;
    throw err;
  }
}
