import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { faultPoint } from "../base/fault-point.ts";
import type { Logger } from "../base/logger.ts";
import type { ReleaseMode } from "../base/release-mode.ts";
import { hasCode, StatusCode, StatusError } from "../base/status.ts";
import { fsError } from "../linux/errno.ts";
import { type Libc, O_PATH, UmountFlag } from "../linux/libc.ts";
import { type MountInfo, readMountInfo } from "../linux/mountinfo.ts";
import { type Backing, backingOf } from "./backing.ts";
import { lastingCopies } from "./copies.ts";
import { isolationOf, mountPointsToIsolate, mountsUnder, reachableMounts } from "./mount-tree.ts";
import { type PendingRelease, PendingReleases } from "./pending.ts";
import { type Helper, type HelperCommand, openLock, startHelper } from "./release-helper.ts";
import { markersMayGo, markersOf } from "./release-markers.ts";

const open = promisify(fs.open);
const close = promisify(fs.close);

/** What every release of a shim shares. */
export interface ReleaseHost {
  readonly libc: Libc;
  readonly logger: Logger;
  /** Where the shims of this host tell each other of their releases; `/run/ebb` unless configured. */
  readonly runDirectory: string;
  /** How long a release waits for those before it on its device, in milliseconds, before it goes ahead. */
  readonly turnMs: number;
  /** What can hold a mount where there is no shell. */
  readonly helpers?: readonly HelperCommand[];
  /** The shell that holds mounts; `/bin/sh` where it is missing. */
  readonly shell?: string;
}

/** Whose rootfs is released, and how. */
export interface ReleaseRequest {
  /** Where it is mounted: an absolute path. */
  readonly rootfs: string;
  readonly namespace: string;
  readonly id: string;
  readonly mode: ReleaseMode;
  /** Mounts, by their ids in mountinfo, that stay. */
  readonly keep?: ReadonlySet<number>;
}

/** A rootfs on its way out: it has left the mount tree, and a helper holds its last reference. */
export interface Release {
  /** What was unmounted, in order. Empty where nothing was mounted. */
  readonly mounts: readonly PendingRelease[];
  /**
   * Why whoever needs the rootfs's source next has to wait for `ended`: it is a block device, or of a kind that
   * is not known, or could not be written down for others to see. Empty where nobody has to.
   */
  readonly mustWait: string;
  /**
   * Resolves when the helpers have ended, and the kernel has written everything out, with the milliseconds since
   * the call; earlier where another mount namespace still has a copy of the mount, which it got while this one was
   * there and which no detaching reaches unless the parent is shared. The sync is then done by whoever lets that
   * copy go.
   */
  readonly ended: Promise<{ readonly ms: number }>;
}

/** Mounts stacked on one point come off one a round; nobody stacks more than a few. */
const MAX_ROUNDS = 64;

/**
 * Takes a rootfs, and what is mounted in it, out of the mount tree without waiting for the disk.
 *
 * The kernel syncs the file system below an overlay when the overlay's last reference goes, in the process that
 * lets it go (`cleanup_mnt`), and MNT_DETACH alone would make that us. So, for each mount:
 * 1. it is opened (O_PATH), and a helper process is started that inherits the descriptor;
 * 2. it is written down in the run directory, for whoever wants to mount the same again;
 * 3. it is detached, which now only changes the tree; our descriptor is closed, which is not the last one (and off
 *    the main thread, as it is the last one after all where somebody has killed the helper);
 * 4. the helper is told to let go by the end of its stdin, and the kernel does the rest in its close or its exit.
 *    Our own death tells it the same.
 *
 * When this resolves the tree is clean and nobody has waited. A path with nothing mounted is a release that has
 * ended. Where no helper can be started nothing is detached and the error is `unavailable`.
 */
export async function releaseRootfs(host: ReleaseHost, request: ReleaseRequest): Promise<Release> {
  const started = performance.now();
  const rootfs = await realMountPoint(request.rootfs);
  const rounds: Round[] = [];
  for (let before = ""; ; ) {
    const left = reachableMounts(readMountInfo(), rootfs).filter(({ id }) => !request.keep?.has(id));
    if (left.length === 0) break;
    const now = left.map(({ id }) => id).join();
    if (now === before || rounds.length === MAX_ROUNDS) throw stillMounted(rootfs, left);
    before = now;
    rounds.push(await detachRound(host, { ...request, rootfs }, left));
  }
  return {
    mounts: rounds.flatMap(({ detached }) => detached),
    mustWait: rounds.map(({ mustWait }) => mustWait).find((reason) => reason !== "") ?? "",
    ended: Promise.all(rounds.map(({ ended }) => ended)).then(() => ({
      ms: Math.round(performance.now() - started),
    })),
  };
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

/** A mount that is held, and what is below it. */
interface HeldMount {
  readonly mount: MountInfo;
  readonly backing: Backing;
  readonly fd: number;
}

interface Round {
  readonly detached: readonly PendingRelease[];
  readonly mustWait: string;
  /** Resolves when neither the helper nor we hold a mount any more. */
  readonly ended: Promise<unknown>;
}

/** Detaches what can be reached now, the deepest points first. */
async function detachRound(
  host: ReleaseHost,
  request: ReleaseRequest,
  left: readonly MountInfo[],
): Promise<Round> {
  const held = await holdMounts(left, request);
  const fds = held.map(({ fd }) => fd);
  const helper = await startHelperFor(host, held).catch(async (err) => {
    await closeAll(fds);
    throw err;
  });
  faultPoint("release: helper started");
  const entries = held.map((one) => entryOf(one, request, helper));
  const record = recordAll(host, entries);
  faultPoint("release: recorded");
  const detached: PendingRelease[] = [];
  const mustWait = reasonToWait(held) || record.failure;
  const otherwise = mustWait !== "" || request.mode === "strict" ? "now" : undefined;
  const letGo = async () => helper.letGo((await isClean(host.logger, held, detached)) ? "clean" : otherwise);
  let ended: Promise<unknown>;
  try {
    await isolate(host.libc, request.rootfs);
    for (const entry of entries) if (detach(host.libc, entry.mountPoint)) detached.push(entry);
    faultPoint("release: detached");
  } finally {
    // In this order: the helper's must be the last reference.
    const closed = closeAll(fds).then(letGo);
    ended = Promise.all([closed, helper.exited]).finally(record.remove);
    ended.catch(() => {});
    // Ours is the last one where the helper has been killed. Its sync is not waited for here.
    await Promise.race([closed, helper.exited]);
  }
  faultPoint("release: let go");
  host.logger.debug("detached", { mounts: detached.map(({ mountPoint }) => mountPoint), helper: helper.pid });
  return { detached, ended, mustWait };
}

/**
 * Whether the helper's end will be the end of all it holds, so that it may remove the markers. Where the answer waits
 * for that end, copies that are only passing are waited for, as it would tell too little otherwise.
 */
async function isClean(logger: Logger, held: readonly HeldMount[], detached: readonly PendingRelease[]) {
  if (detached.length < held.length) return false;
  for (const { mount } of held.filter(isAwaited)) {
    // Who has a copy for longer is told by whoever watches the release.
    await lastingCopies(mount.device).catch((err) => logger.warn("copies may be left", { err }));
  }
  return markersMayGo(
    held.map(({ mount }) => mount),
    logger,
  );
}

function isAwaited({ backing: { kind } }: HeldMount): boolean {
  return kind === "block" || kind === "other";
}

/** Whom the answer has to wait for. */
function reasonToWait(held: readonly HeldMount[]): string {
  const slow = held.find(isAwaited);
  if (slow === undefined) return "";
  const { backing, mount } = slow;
  return backing.kind === "block"
    ? `${backing.source} is a block device`
    : `${mount.type} is of a kind that is not known`;
}

async function startHelperFor(host: ReleaseHost, held: readonly HeldMount[]): Promise<Helper> {
  const markers = markersOf(held.map(({ mount }) => mount));
  // A volatile overlay is not synced, and so takes no turn.
  const lock = markers.length > 0 ? undefined : lockFor(host, held);
  try {
    return await startHelper({
      fds: held.map(({ fd }) => fd),
      turn: lock === undefined ? undefined : { lock, limitMs: host.turnMs },
      markers,
      fallbacks: host.helpers ?? [],
      shell: host.shell,
    });
  } finally {
    if (lock !== undefined) fs.closeSync(lock);
  }
}

/** The lock of the device that will be written to. Without it the release takes no turn, which costs time only. */
function lockFor({ runDirectory, logger }: ReleaseHost, held: readonly HeldMount[]): number | undefined {
  const overlay = held.find(({ backing: { kind, device } }) => kind === "overlay" && device !== "");
  if (overlay === undefined) return undefined;
  try {
    return openLock(runDirectory, overlay.backing.device);
  } catch (err) {
    logger.error("the release takes no turn on its device", { err: StatusError.from(err) });
    return undefined;
  }
}

function entryOf({ mount, backing }: HeldMount, request: ReleaseRequest, helper: Helper): PendingRelease {
  const { namespace, id, mode } = request;
  const { kind, source, key, device } = backing;
  return {
    ...{ namespace, id, mode, kind, source, device },
    ...(key !== undefined && { key }),
    mountPoint: mount.mountPoint,
    mountId: mount.id,
    mounted: mount.device,
    since: new Date().toISOString(),
    helper: { pid: helper.pid, startTime: helper.startTime },
  };
}

/** Writes the entries down. A run directory that cannot be written is no reason to keep the rootfs mounted. */
function recordAll(host: ReleaseHost, entries: readonly PendingRelease[]) {
  const registry = new PendingReleases(host.runDirectory);
  const removals: (() => void)[] = [];
  let failure = "";
  for (const entry of entries) {
    try {
      removals.push(registry.add(entry));
    } catch (err) {
      failure = `the release cannot be written down: ${StatusError.from(err).message}`;
      host.logger.error(failure, { err });
    }
  }
  const remove = () => {
    for (const removal of removals) removal();
  };
  return { failure, remove };
}

/** Opens each mount. One that somebody else has unmounted meanwhile is left out. */
async function holdMounts(
  mounts: readonly MountInfo[],
  { rootfs, keep }: ReleaseRequest,
): Promise<HeldMount[]> {
  const all = readMountInfo();
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
    await closeAll(held.map(({ fd }) => fd));
    throw err;
  }
}

async function isolate(libc: Libc, rootfs: string): Promise<void> {
  for (const point of mountPointsToIsolate(readMountInfo(), rootfs)) await libc.mount(isolationOf(point));
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
