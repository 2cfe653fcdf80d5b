import { rm } from "node:fs/promises";
import path from "node:path";
import { hasCode, StatusCode } from "../base/status.ts";
import { fsError } from "../linux/errno.ts";
import type { Libc } from "../linux/libc.ts";
import { workOf } from "./backing.ts";
import type { MountSpec } from "./mount-plan.ts";
import { runFolder } from "./run-directory.ts";
import {
  hasMarker,
  isVolatile,
  supportsVolatile,
  volatileMarker,
  volatileMarkerFound,
  volatileUnsupported,
} from "./volatile.ts";

/**
 * Mounts, and where the kernel refuses the options finds out whether that is for something about volatile overlays:
 * it says EINVAL for a marker that is left, and for an option that it does not know. A marker that it makes for a mount
 * that then fails is removed: nothing was written, and the next mount would be refused for it.
 */
export async function explainVolatile(
  libc: Libc,
  mounts: readonly MountSpec[],
  { runDirectory, mount }: { readonly runDirectory: string; readonly mount: () => Promise<void> },
): Promise<void> {
  const volatile = mounts.filter(({ options }) => isVolatile(options));
  const unmarked = await withoutMarker(volatile.flatMap(({ options }) => workOf(options) ?? []));
  try {
    await mount();
  } catch (err) {
    // A mount that the kernel has not ended may still come through, and its release sees to its marker.
    if (!hasCode(err, StatusCode.deadlineExceeded))
      for (const workdir of unmarked) await removeMarker(workdir);
    if (!hasCode(err, StatusCode.invalidArgument)) throw err;
    for (const workdir of mounts.flatMap(({ options }) => workOf(options) ?? [])) {
      if (await hasMarker(workdir)) throw volatileMarkerFound(workdir);
    }
    const isKnown = volatile.length === 0 || (await supportsVolatile(libc, runFolder(runDirectory, "views")));
    throw isKnown ? err : volatileUnsupported();
  }
}

async function withoutMarker(workdirs: readonly string[]): Promise<string[]> {
  const unmarked: string[] = [];
  for (const workdir of workdirs) if (!(await hasMarker(workdir))) unmarked.push(workdir);
  return unmarked;
}

async function removeMarker(workdir: string): Promise<void> {
  const marker = path.dirname(volatileMarker(workdir));
  await rm(marker, { recursive: true, force: true }).catch((err: unknown) => {
    throw fsError(`remove ${marker}`, err);
  });
}
