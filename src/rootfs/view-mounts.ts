import { StatusCode, StatusError } from "../base/status.ts";
import { escapeName, unescapeName } from "./lower-dirs.ts";
import type { MountSpec } from "./mount-plan.ts";

/** Added last, where they overrule what was there. */
const LOOK_ONLY = ["ro", "nosuid", "nodev", "noexec", "private"];

/**
 * Options that mean something only where there is an upper directory, or promise what a view must not depend on.
 * The others say how the layers are to be read (`userxattr`, `metacopy`, `redirect_dir`, `xino`, …) and stay. Whose the
 * files are is not looked at, so that no ids are mapped.
 */
const UPPER_ONLY = /^(upperdir=|workdir=|fsync=|index=|nfs_export=|volatile$|uidmap=|gidmap=)/;

/**
 * The mounts by which a rootfs is looked at: the same files, read-only, and nothing made or kept for writing. Of an
 * overlay the upper directory becomes the uppermost of the lower ones. A rootfs with mounts below its top is
 * `unimplemented`: only the top could be seen.
 */
export function readOnlyMounts(mounts: readonly MountSpec[]): MountSpec[] {
  if (mounts.length === 0) throw new StatusError(StatusCode.invalidArgument, "a view of no mounts");
  return mounts.map((mount) => {
    if (mount.target !== "" && mount.target !== "/") {
      const message = `a view of a rootfs that has a mount on ${mount.target} is not supported`;
      throw new StatusError(StatusCode.unimplemented, message);
    }
    if (mount.options.includes("loop")) {
      // A second device of one file sees nothing of what the first one has not written yet.
      const message = `a view of ${mount.source}, which is mounted by a loop device, is not supported`;
      throw new StatusError(StatusCode.unimplemented, message);
    }
    return { ...mount, options: [...optionsOf(mount), ...LOOK_ONLY] };
  });
}

function optionsOf(mount: MountSpec): readonly string[] {
  if (mount.options.some((option) => option === "bind" || option === "rbind")) {
    // Without what is mounted below, which would stay writable: read-only goes for the top of a bind alone.
    return ["bind"];
  }
  return mount.type === "overlay"
    ? overlayOptions(mount)
    : mount.options.filter((option) => !/^(uidmap|gidmap)=/.test(option));
}

function overlayOptions({ options }: MountSpec): string[] {
  const upper = options.findLast((option) => option.startsWith("upperdir="));
  // Kernels before 5.8 take the default of the module for an overlay without an upper directory as well, and refuse
  // with an index a layer that somebody writes to.
  const rest = [...options.filter((option) => !UPPER_ONLY.test(option)), "index=off"];
  if (upper === undefined) return rest;
  const top = escapeName(unescapeName(upper.slice("upperdir=".length)));
  const at = rest.findLastIndex((option) => option.startsWith("lowerdir="));
  const below = rest[at];
  if (below === undefined) {
    throw new StatusError(StatusCode.invalidArgument, `the overlay on ${top} has no option lowerdir`);
  }
  return rest.with(at, `lowerdir=${top}:${below.slice("lowerdir=".length)}`);
}
