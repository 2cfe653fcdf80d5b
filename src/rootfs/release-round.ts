import { sleep } from "../base/deadline.ts";
import { faultPoint } from "../base/fault-point.ts";
import { hasCode, StatusCode, StatusError } from "../base/status.ts";
import { type Libc, UmountFlag } from "../linux/libc.ts";
import type { MountHolder } from "../linux/mount-holders.ts";
import { type MountInfo, readMountTable } from "../linux/mountinfo.ts";
import { type Copies, copiesOf, NO_COPIES } from "./copies.ts";
import { closeAll, type HeldMount, holdMounts, isAwaited, reasonToWait } from "./held-mounts.ts";
import { isolationOf, mountPointsToIsolate, mountsAround } from "./mount-tree.ts";
import type { PendingRelease } from "./pending.ts";
import type { Helper } from "./release-helper.ts";
import { startHolder } from "./release-holder.ts";
import { markersMayGo, markersOf } from "./release-markers.ts";
import { entryOf, recordAll } from "./release-records.ts";
import type { ReleaseHost, ReleaseRequest } from "./release-request.ts";

/**
 * How long after the rootfs has left the tree others who have a copy of it are looked for where nothing hangs on that
 * but a line in the log, in milliseconds. Most shims end before, and are spared the look at each process of the host;
 * the helper lets go at their end, else that much later.
 */
const LOOK_AFTER_MS = 50;

/** A detached mount of which somebody else has a copy. */
export interface CopiedMount {
  readonly mount: PendingRelease;
  readonly holders: readonly MountHolder[];
}

/** What was detached together, and what becomes of it. */
export interface Round {
  readonly detached: readonly PendingRelease[];
  /** Why whoever needs what it was made of has to wait; empty where nobody has to. */
  readonly mustWait: string;
  /** Resolves when neither the helper nor we hold a mount any more. */
  readonly ended: Promise<unknown>;
  /** Resolves before the helper is told to let go; rejects where nobody knows. */
  readonly copied: Promise<readonly CopiedMount[]>;
  /** Why the kernel did not detach the rest. */
  readonly failure: StatusError | undefined;
}

/** What is mounted where a rootfs is: what of it can be detached now, and all that is around it (`mountsAround`). */
export interface MountsThere {
  readonly reachable: readonly MountInfo[];
  readonly all: readonly MountInfo[];
  /** Whether anything on the host has been mounted or unmounted since; asked once. */
  readonly mayHaveChanged: () => boolean;
}

/** Detaches what can be reached now, the deepest points first. Where it rejects nothing was detached. */
export async function detachRound(
  host: ReleaseHost,
  request: ReleaseRequest,
  there: MountsThere,
): Promise<Round> {
  const { reachable, all } = there;
  const held = await holdMounts(reachable, all, request);
  const helper = await startHolder(host, held).catch(async (err) => {
    await closeAll(held);
    throw err;
  });
  faultPoint("release: helper started");
  const entries = held.map((one) => entryOf(one, request, helper));
  const record = recordAll(host, entries);
  faultPoint("release: recorded");
  const { detached, failure } = await detachAll(host.libc, request.rootfs, entries, there);
  faultPoint("release: detached");
  const mustWait = reasonToWait(held) || record.failure;
  const isAnswerAwaited = mustWait !== "" || request.mode === "strict";
  // In this order: the helper's must be the last reference.
  const closed = closeAll(held);
  const isMarked = held.some(({ mount }) => markersOf([mount]).length > 0);
  const looked = closed.then(() => lookForCopies(held, detached, isMarked || isAnswerAwaited));
  const letGo = looked
    .catch(() => undefined)
    .then((copies) => tellHelper(host, helper, { held, detached, copies, isAnswerAwaited }));
  const ended = Promise.all([letGo, helper.exited]).finally(record.remove);
  ended.catch(() => {});
  // Ours is the last one where the helper has been killed. Its sync is not waited for here. A marker's helper is told
  // before anybody has an answer: were we to end before that, as the `delete` command does, the marker would stay.
  await Promise.race([isMarked ? letGo : closed, helper.exited]);
  faultPoint("release: let go");
  host.logger.debug("detached", { mounts: detached.map(({ mountPoint }) => mountPoint), helper: helper.pid });
  return { detached, ended, mustWait, failure, copied: copiedAmong(detached, looked) };
}

async function detachAll(
  libc: Libc,
  rootfs: string,
  entries: readonly PendingRelease[],
  { all, mayHaveChanged }: MountsThere,
) {
  const detached: PendingRelease[] = [];
  try {
    // What others have mounted while the helper started must not be taken off the host.
    const now = mayHaveChanged() ? mountsAround(rootfs, readMountTable()) : all;
    for (const point of mountPointsToIsolate(now, rootfs)) await libc.mount(isolationOf(point));
    for (const entry of entries) if (detach(libc, entry.mountPoint)) detached.push(entry);
    return { detached, failure: undefined };
  } catch (err) {
    return { detached, failure: StatusError.from(err) };
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

/**
 * Who has copies of what was detached, while the helper still holds it. Copies that are only passing are waited for
 * where the helper's end has to be the end of the mount: where an answer waits for it, and where markers go then.
 */
async function lookForCopies(
  held: readonly HeldMount[],
  detached: readonly PendingRelease[],
  isUrgent: boolean,
): Promise<Copies> {
  // Of what is mounted elsewhere anyway everybody would have a copy.
  const own = held.filter(({ backing }) => backing.kind !== "shared");
  if (detached.length === 0 || own.length === 0) return NO_COPIES;
  if (!isUrgent) await sleep(LOOK_AFTER_MS);
  const lasting = own.some((one) => isAwaited(one) || markersOf([one.mount]).length > 0);
  return copiesOf([...new Set(own.map(({ mount }) => mount.device))], { lasting });
}

async function copiedAmong(detached: readonly PendingRelease[], looked: Promise<Copies>) {
  const { byDevice } = await looked;
  return detached.flatMap((mount) => {
    const holders = byDevice.get(mount.mounted);
    return holders === undefined ? [] : [{ mount, holders }];
  });
}

interface Outcome {
  readonly held: readonly HeldMount[];
  readonly detached: readonly PendingRelease[];
  readonly copies: Copies | undefined;
  readonly isAnswerAwaited: boolean;
}

function tellHelper({ logger }: ReleaseHost, helper: Helper, outcome: Outcome): void {
  const { held, detached, copies, isAnswerAwaited } = outcome;
  const mounts = held.map(({ mount }) => mount);
  if (detached.length === held.length && markersMayGo(mounts, copies, logger)) helper.letGo("clean");
  else helper.letGo(isAnswerAwaited ? "now" : undefined);
}
