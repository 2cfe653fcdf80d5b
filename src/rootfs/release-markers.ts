import { sleep, within } from "../base/deadline.ts";
import type { Logger } from "../base/logger.ts";
import { StatusError } from "../base/status.ts";
import { findMountHolders, type MountHolders } from "../linux/mount-holders.ts";
import type { MountInfo } from "../linux/mountinfo.ts";
import { overlayOptions, workOf } from "./backing.ts";
import { isVolatile, volatileMarker } from "./volatile.ts";

/**
 * How long to look for others who have a copy of a mount, in milliseconds: reading the tables of thousands of
 * processes takes some tens; without an answer the release counts as not clean, which loses nothing.
 */
const LOOK_MS = 2_000;
/** How long an OCI runtime at most has copies of the host's mounts while it makes a container; tens are usual. */
const TRANSIENT_MS = 500;
const PAUSE_MS = 20;

/** What the kernel left in the work directories of those mounts that are volatile overlays (`volatile.ts`). */
export function markersOf(mounts: readonly MountInfo[]): string[] {
  return mounts.flatMap((mount) => {
    const options = overlayOptions(mount);
    const work = workOf(options);
    return work === undefined || !isVolatile(options) ? [] : [volatileMarker(work)];
  });
}

/**
 * Whether the markers of detached mounts may be removed once the helper has closed its own: only where that is
 * the last reference. A copy in another mount namespace still writes, and the marker has to outlast it.
 */
export async function markersMayGo(mounts: readonly MountInfo[], logger: Logger): Promise<boolean> {
  if (markersOf(mounts).length === 0) return false;
  try {
    for (const { device, mountPoint } of mounts) {
      const what = `looking for copies of ${mountPoint}`;
      const { holders, unknown } = await within(lastingHolders(device), LOOK_MS, what);
      if (holders.length === 0 && unknown === 0) continue;
      logger.warn("a volatile rootfs is still held elsewhere, so that its marker stays", {
        mountPoint,
        holders,
        unknown,
      });
      return false;
    }
    return true;
  } catch (err) {
    logger.warn("nobody knows whether a volatile rootfs is still held elsewhere, so that its marker stays", {
      err: StatusError.from(err),
    });
    return false;
  }
}

/** Those who have a copy for longer than a container that is just being made, which has one of every mount. */
async function lastingHolders(device: string): Promise<MountHolders> {
  const giveUp = Date.now() + TRANSIENT_MS;
  for (;;) {
    const found = await findMountHolders(device);
    if (found.holders.length === 0 || Date.now() >= giveUp) return found;
    await sleep(PAUSE_MS);
  }
}
