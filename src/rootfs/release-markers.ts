import type { Logger } from "../base/logger.ts";
import { StatusError } from "../base/status.ts";
import type { MountInfo } from "../linux/mountinfo.ts";
import { overlayOptions, workOf } from "./backing.ts";
import { lastingCopies } from "./copies.ts";
import { isVolatile, volatileMarker } from "./volatile.ts";

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
 * the last reference. A copy in another mount namespace still writes, and the marker has to outlast it. Without an
 * answer the release counts as not clean, which loses nothing.
 */
export async function markersMayGo(mounts: readonly MountInfo[], logger: Logger): Promise<boolean> {
  if (markersOf(mounts).length === 0) return false;
  try {
    for (const { device, mountPoint } of mounts) {
      const { holders, unknown } = await lastingCopies(device);
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
