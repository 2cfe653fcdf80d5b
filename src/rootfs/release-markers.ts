import type { Logger } from "../base/logger.ts";
import type { MountInfo } from "../linux/mountinfo.ts";
import { overlayOptions, workOf } from "./backing.ts";
import type { Copies } from "./copies.ts";
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
 * the last reference. A copy in another mount namespace still writes, and the marker has to outlast it. Where nobody
 * knows (undefined) the release counts as not clean, which loses nothing.
 */
export function markersMayGo(
  mounts: readonly MountInfo[],
  copies: Copies | undefined,
  logger: Logger,
): boolean {
  const marked = mounts.filter((mount) => markersOf([mount]).length > 0);
  if (marked.length === 0) return false;
  if (copies === undefined) {
    logger.warn("nobody knows whether a volatile rootfs is still held elsewhere, so that its marker stays");
    return false;
  }
  const held = marked.find(({ device }) => copies.byDevice.has(device));
  if (held === undefined && copies.unknown === 0) return true;
  logger.warn("a volatile rootfs is still held elsewhere, so that its marker stays", {
    mountPoint: (held ?? marked[0])?.mountPoint,
    holders: copies.byDevice.get(held?.device ?? "") ?? [],
    unknown: copies.unknown,
  });
  return false;
}
