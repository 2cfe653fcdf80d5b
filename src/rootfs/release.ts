import path from "node:path";
import { realpath } from "../base/file-calls.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { type MountInfo, openMountTable } from "../linux/mountinfo.ts";
import { mountsAround, reachableMounts } from "./mount-tree.ts";
import { isNothingMounted } from "./nothing-mounted.ts";
import type { PendingRelease } from "./pending.ts";
import type { ReleaseHost, ReleaseRequest } from "./release-request.ts";
import { type CopiedMount, detachRound, type Round } from "./release-round.ts";

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
  /**
   * Those of which another mount namespace has a copy, which may be in passing; resolves while the helpers still
   * hold them. Rejects where nobody knows.
   */
  readonly copied: Promise<readonly CopiedMount[]>;
}

/** What has come of an attempt. */
export interface Detached {
  /** What has left the tree, all of it or a part. */
  readonly release: Release;
  /** Why the rest has not. */
  readonly failure: StatusError | undefined;
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
 * ended. Where no helper can be started nothing more is detached and the error is `unavailable`.
 */
export async function releaseRootfs(host: ReleaseHost, request: ReleaseRequest): Promise<Release> {
  const { release, failure } = await detachRootfs(host, request);
  if (failure !== undefined) throw failure;
  return release;
}

/** The same for who has to know of what has left the tree also where something is left in it. Never rejects. */
export async function detachRootfs(host: ReleaseHost, request: ReleaseRequest): Promise<Detached> {
  const started = performance.now();
  const rounds: Round[] = [];
  try {
    await detachInRounds(host, request, rounds);
    return { release: releaseOf(rounds, started), failure: undefined };
  } catch (err) {
    return { release: releaseOf(rounds, started), failure: StatusError.from(err) };
  }
}

async function detachInRounds(host: ReleaseHost, request: ReleaseRequest, rounds: Round[]): Promise<void> {
  const rootfs = await realMountPoint(request.rootfs);
  for (let before = ""; ; ) {
    if (rounds.length > 0 && (await isNothingMounted(rootfs))) return;
    const table = openMountTable();
    try {
      const all = mountsAround(rootfs, table.text);
      const reachable = reachableMounts(all, rootfs).filter(({ id }) => !request.keep?.has(id));
      if (reachable.length === 0) return;
      const now = reachable.map(({ id }) => id).join();
      if (now === before || rounds.length === MAX_ROUNDS) throw stillMounted(rootfs, reachable);
      before = now;
      const mayHaveChanged = () => host.libc.hasChanged(table.fd);
      const round = await detachRound(host, { ...request, rootfs }, { reachable, all, mayHaveChanged });
      rounds.push(round);
      if (round.failure !== undefined) throw round.failure;
    } finally {
      table.close();
    }
  }
}

function releaseOf(rounds: readonly Round[], started: number): Release {
  const ended = Promise.all(rounds.map(({ ended }) => ended));
  const copied = Promise.all(rounds.map(({ copied }) => copied)).then((lists) => lists.flat());
  copied.catch(() => {});
  return {
    mounts: rounds.flatMap(({ detached }) => detached),
    mustWait: rounds.map(({ mustWait }) => mustWait).find((reason) => reason !== "") ?? "",
    ended: ended.then(() => ({ ms: Math.round(performance.now() - started) })),
    copied,
  };
}

/**
 * The path as mountinfo has it: without symbolic links on the way, which a bundle's path may have. The last name
 * is not followed: a link is no mount point, and looking at what is mounted could wait for its disk.
 */
export async function realMountPoint(rootfs: string): Promise<string> {
  const wanted = path.resolve(rootfs);
  const real = await realpath(path.dirname(wanted)).catch(() => path.dirname(wanted));
  return path.join(real, path.basename(wanted));
}

function stillMounted(rootfs: string, left: readonly MountInfo[]): StatusError {
  const points = left.map(({ mountPoint }) => mountPoint).join(", ");
  return new StatusError(
    StatusCode.failedPrecondition,
    `${rootfs} cannot be unmounted: still there: ${points}`,
  );
}
