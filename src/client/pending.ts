import { deadline } from "../base/deadline.ts";
import type { ReleaseMode } from "../base/release-mode.ts";
import { hasCode, StatusCode } from "../base/status.ts";
import { readRunDirectory } from "../config/run-directory.ts";
import { findAllMountHolders, type MountHolder } from "../linux/mount-holders.ts";
import { isSameLiveProcess } from "../linux/process-stat.ts";
import type { BackingKind } from "../rootfs/backing.ts";
import { type Activity, helperActivity } from "../rootfs/helper-activity.ts";
import { ageOf, type PendingRelease as Entry, PendingReleases } from "../rootfs/pending.ts";

/** A mount that a shim has taken out of the mount tree, and that a helper process still holds. */
export interface PendingRelease {
  readonly namespace: string;
  /** The container's. */
  readonly id: string;
  readonly mode: ReleaseMode;
  readonly kind: BackingKind;
  /** Where it was mounted. */
  readonly mountPoint: string;
  /** `major:minor` of the mounted file system, as mountinfo has it; an overlay has one of its own. */
  readonly mounted: string;
  /** The upper directory, the device, or what else it was made of. */
  readonly source: string;
  /** `major:minor` of the file system that is written to; empty where that is not known. */
  readonly device: string;
  /** When it left the tree, in the form of ISO 8601. */
  readonly since: string;
  /** How long ago that was, in milliseconds. */
  readonly ageMs: number;
  /** What its helper does now. */
  readonly state: Activity;
  /** The helper; its start time is in clock ticks since boot. */
  readonly helper: { readonly pid: number; readonly startTime: number };
  /** The kernel's functions that the helper is in, innermost first; empty where they may not be read. */
  readonly stack: readonly string[];
  /** Who else has it mounted, in whose hands its last reference may be; null where that is not known. */
  readonly holders: readonly MountHolder[] | null;
}

/** Where to look, and for how long. */
export interface ListPendingOptions {
  /** The shims' run directory; that of this host's configuration and environment where it is missing. */
  readonly runDirectory?: string;
  /** For how long to look for holders, in milliseconds; 5000 where it is missing. */
  readonly holdersMs?: number;
  readonly signal?: AbortSignal;
}

/** As long as people wait for a list; some tens of milliseconds are usual. */
const HOLDERS_MS = 5_000;

/**
 * The releases that are under way on this host, the oldest first. It changes nothing. `permissionDenied` for who may
 * not read the run directory, which is root's; `invalidArgument` for a mistake in the host's configuration.
 *
 * Only a process in the pid namespace of the host's shims sees their helpers.
 */
export async function listPending(options: ListPendingOptions = {}): Promise<PendingRelease[]> {
  const runDirectory = options.runDirectory ?? (await readRunDirectory(process.env));
  const entries = new PendingReleases(runDirectory).list();
  // Of what is mounted elsewhere anyway everybody would be a holder.
  const devices = entries.filter(({ kind }) => kind !== "shared").map(({ mounted }) => mounted);
  const holders = await holdersOf([...new Set(devices)], options);
  const releases: PendingRelease[] = [];
  for (const entry of entries) {
    const now = await helperActivity(entry.helper.pid);
    if (now === undefined || !isSameLiveProcess(entry.helper.pid, entry.helper.startTime)) continue;
    const found = holders === null ? null : (holders.get(entry.mounted) ?? []);
    releases.push({ ...partsOf(entry), state: now.activity, stack: now.stack, holders: found });
  }
  return releases;
}

function partsOf(entry: Entry) {
  const { namespace, id, mode, kind, mountPoint, mounted, source, device, since, helper } = entry;
  const { pid, startTime } = helper;
  const ageMs = ageOf(entry);
  return {
    ...{ namespace, id, mode, kind, mountPoint, mounted, source, device, since, ageMs },
    helper: { pid, startTime },
  };
}

/** The holders of each; null past the limit, as half an answer would pass for a whole one. */
async function holdersOf(devices: readonly string[], { holdersMs = HOLDERS_MS, signal }: ListPendingOptions) {
  const limit = deadline(holdersMs, "looking for who holds a mount", signal);
  try {
    const none = new Map<string, readonly MountHolder[]>();
    return devices.length === 0
      ? none
      : (await findAllMountHolders(devices, { signal: limit.signal })).byDevice;
  } catch (err) {
    if (hasCode(err, StatusCode.deadlineExceeded) && !signal?.aborted) return null;
    throw err;
  } finally {
    limit.cleanup();
  }
}
