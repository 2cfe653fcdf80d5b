import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import type { Logger } from "../base/logger.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { fsError } from "../linux/errno.ts";
import { type Libc, O_PATH, UmountFlag } from "../linux/libc.ts";
import { mountPointsUnder, readMountInfo } from "../linux/mountinfo.ts";

/** A rootfs on its way out: it has left the mount tree, and a helper holds its last reference. */
export interface Release {
  /** What was unmounted, in order. Empty where nothing was mounted. */
  readonly mounts: readonly string[];
  /** The helpers, whose exits prove that the kernel has written everything out. */
  readonly helperPids: readonly number[];
  /** Resolves when it has, with the milliseconds since the call. */
  readonly ended: Promise<{ readonly ms: number }>;
}

/** What a release needs. */
export interface ReleaseOptions {
  readonly libc: Libc;
  /** Where it is mounted: an absolute path. */
  readonly rootfs: string;
  readonly logger: Logger;
}

/** Mounts stacked on one point come off one a round; nobody stacks more than a few. */
const MAX_ROUNDS = 64;

/**
 * Takes a rootfs, and what is mounted in it, out of the mount tree without waiting for the disk.
 *
 * The kernel syncs the file system below an overlay when the overlay's last reference goes, in the process that
 * lets it go (`cleanup_mnt`), and MNT_DETACH alone would make that us. So, for each mount:
 * 1. it is opened (O_PATH), and a helper process is started that inherits the descriptor;
 * 2. it is detached, which now only changes the tree; our descriptor is closed, which is not the last one;
 * 3. the helper is told to exit by the end of its stdin, and the kernel does the rest in its exit. Our own
 *    death tells it the same.
 *
 * When this resolves the tree is clean and nobody has waited. A path with nothing mounted is a release that has
 * ended. Where no helper can be started nothing is detached and the error is `unavailable`.
 */
export async function releaseRootfs(options: ReleaseOptions): Promise<Release> {
  const started = Date.now();
  const mounts: string[] = [];
  const helpers: Helper[] = [];
  for (let round = 0; ; round += 1) {
    const points = mountPointsUnder(readMountInfo(), options.rootfs);
    if (points.length === 0) break;
    if (round === MAX_ROUNDS) throw stillMounted(options.rootfs, points);
    helpers.push(await detachRound(options, points));
    mounts.push(...points);
  }
  const ended = Promise.all(helpers.map(({ exited }) => exited)).then(() => ({ ms: Date.now() - started }));
  return { mounts, helperPids: helpers.map(({ pid }) => pid), ended };
}

function stillMounted(rootfs: string, points: readonly string[]): StatusError {
  const message = `${rootfs} is still mounted after ${MAX_ROUNDS} unmounts: ${points.join(", ")}`;
  return new StatusError(StatusCode.failedPrecondition, message);
}

/** Detaches the uppermost mount of each point, the deepest points first. */
async function detachRound({ libc, logger }: ReleaseOptions, points: readonly string[]): Promise<Helper> {
  const fds: number[] = [];
  try {
    for (const point of points) fds.push(openMount(point));
    const helper = await startHelper(fds);
    try {
      for (const point of points) libc.umount(point, UmountFlag.detach | UmountFlag.noFollow);
    } finally {
      // In this order: the helper's must be the last reference.
      for (const fd of fds.splice(0)) fs.closeSync(fd);
      helper.letGo();
    }
    logger.debug("detached", { mounts: points, helper: helper.pid });
    return helper;
  } finally {
    for (const fd of fds) fs.closeSync(fd);
  }
}

function openMount(point: string): number {
  try {
    return fs.openSync(point, O_PATH | fs.constants.O_NOFOLLOW);
  } catch (err) {
    throw fsError(`open mount ${point}`, err);
  }
}

/** A process that holds descriptors until its stdin ends, and then exits. */
interface Helper {
  readonly pid: number;
  readonly letGo: () => void;
  readonly exited: Promise<void>;
}

/**
 * `cat` is all that a helper has to be: it waits for the end of its stdin and exits. It has one thread, so that
 * its exit is the exit of its last reference, and a twentieth of our memory.
 */
const HELPER_PROGRAMS = ["/bin/cat", "/usr/bin/cat"];

async function startHelper(fds: readonly number[]): Promise<Helper> {
  const program = HELPER_PROGRAMS.find((file) => fs.existsSync(file));
  if (program === undefined) {
    const message = `no helper program to release a mount with: none of ${HELPER_PROGRAMS.join(", ")} is there`;
    throw new StatusError(StatusCode.unavailable, message);
  }
  // In a session and directory of its own, so that it holds nothing else and no signal of ours reaches it.
  const child = spawn(program, [], {
    stdio: ["pipe", "ignore", "ignore", ...fds],
    detached: true,
    cwd: "/",
    env: {},
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const pid = await pidOf(child);
  child.unref();
  child.stdin?.on("error", () => {});
  return { pid, letGo: () => child.stdin?.destroy(), exited };
}

async function pidOf(child: ChildProcess): Promise<number> {
  if (child.pid !== undefined) return child.pid;
  const cause = await new Promise((resolve) => child.once("error", resolve));
  const message = `the helper that releases a mount cannot be started: ${String(cause)}`;
  throw new StatusError(StatusCode.unavailable, message, { cause });
}
