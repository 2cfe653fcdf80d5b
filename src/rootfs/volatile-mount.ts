import { hasCode, StatusCode } from "../base/status.ts";
import type { Libc } from "../linux/libc.ts";
import { workOf } from "./backing.ts";
import type { MountSpec } from "./mount-plan.ts";
import { runFolder } from "./run-directory.ts";
import {
  hasMarker,
  isVolatile,
  supportsVolatile,
  volatileMarkerFound,
  volatileUnsupported,
} from "./volatile.ts";

/**
 * Mounts, and where the kernel refuses the options finds out whether that is for something about volatile overlays:
 * it says EINVAL for a marker that is left, and for an option that it does not know. A marker that it made for a mount
 * that it then refused has gone by then (`volatile-attempt.ts`), so one that is there was there before.
 */
export async function explainVolatile(
  libc: Libc,
  mounts: readonly MountSpec[],
  { runDirectory, mount }: { readonly runDirectory: string; readonly mount: () => Promise<void> },
): Promise<void> {
  try {
    await mount();
  } catch (err) {
    if (!hasCode(err, StatusCode.invalidArgument)) throw err;
    for (const workdir of mounts.flatMap(({ options }) => workOf(options) ?? [])) {
      if (await hasMarker(workdir)) throw volatileMarkerFound(workdir);
    }
    const wanted = mounts.some(({ options }) => isVolatile(options));
    if (wanted && !(await supportsVolatile(libc, runFolder(runDirectory, "views"))))
      throw volatileUnsupported();
    throw err;
  }
}
