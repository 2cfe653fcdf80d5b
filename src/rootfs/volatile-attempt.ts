import fs from "node:fs";
import { readMountInfo } from "../linux/mountinfo.ts";
import { overlayOptions, workOf } from "./backing.ts";
import { hasMarker, isVolatile, volatileMarker } from "./volatile.ts";

/**
 * Mounts an overlay with these options. The kernel marks the work directory of a volatile one before it looks at all
 * of the layers, and where it refuses them then leaves the marker, upon which it would refuse every later mount: such
 * a marker is removed, as nothing was ever written through that mount. One that was there before stays.
 */
export async function attemptVolatile(options: readonly string[], mount: () => Promise<void>): Promise<void> {
  const workdir = isVolatile(options) ? workOf(options) : undefined;
  if (workdir === undefined || (await hasMarkerOrMay(workdir))) return mount();
  try {
    await mount();
  } catch (err) {
    if (!isInUse(workdir)) await removeMarker(workdir);
    throw err;
  }
}

/** Where nobody can tell, it is left as it is. */
function hasMarkerOrMay(workdir: string): Promise<boolean> {
  return hasMarker(workdir).catch(() => true);
}

/** Whether somebody has mounted it meanwhile: the marker is theirs then. */
function isInUse(workdir: string): boolean {
  return readMountInfo().some((mount) => workOf(overlayOptions(mount)) === workdir);
}

/** What the mount has failed with tells more than that this fails, too; the next mount names the marker. */
async function removeMarker(workdir: string): Promise<void> {
  await fs.promises.rm(volatileMarker(workdir), { recursive: true, force: true }).catch(() => {});
}
