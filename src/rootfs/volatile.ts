import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { hasCode, StatusCode, StatusError } from "../base/status.ts";
import { fsError } from "../linux/errno.ts";
import { type Libc, UmountFlag } from "../linux/libc.ts";
import { upperOf } from "./backing.ts";
import type { MountSpec } from "./mount-plan.ts";

/**
 * The mounts with the option `volatile` (kernel documentation, overlayfs, "Volatile mount") on each overlay that is
 * written to and has it in neither of its forms yet. It takes the place of another `fsync=…`: the last word counts.
 * An overlay that is read-only keeps its options: nothing is synced for it anyway, and the kernel would leave its
 * marker all the same.
 */
export function withVolatile(mounts: readonly MountSpec[]): MountSpec[] {
  return mounts.map((mount) => {
    if (!isWritableOverlay(mount) || isVolatile(mount.options)) return mount;
    const others = mount.options.filter((option) => !saysWhatIsSynced(option));
    return { ...mount, options: [...others, "volatile"] };
  });
}

/** Whether a mount is an overlay with an upper directory that can be written to. */
export function isWritableOverlay({ type, options }: MountSpec): boolean {
  const access = options.findLast((option) => option === "ro" || option === "rw");
  return type === "overlay" && access !== "ro" && upperOf(options) !== undefined;
}

/**
 * Whether the options of an overlay say that nothing of it is ever synced: as the kernel takes them since 5.10
 * (`volatile`), or as newer ones take and show them as well (`fsync=volatile`). Takes a list, or the super options
 * of mountinfo, where a comma in a name is escaped.
 */
export function isVolatile(options: readonly string[] | string): boolean {
  const list = typeof options === "string" ? options.split(",") : options;
  const last = list.findLast(saysWhatIsSynced);
  return last === "volatile" || last === "fsync=volatile";
}

function saysWhatIsSynced(option: string): boolean {
  return option === "volatile" || option.startsWith("fsync=");
}

/**
 * What the kernel makes in the work directory of a volatile overlay, and never removes: a directory with the file
 * `dirty` in it. While it is there the kernel refuses each mount with this work directory, volatile or not, by
 * EINVAL; with the directory gone it mounts again.
 */
export function volatileMarker(workdir: string): string {
  return path.join(workdir, "work/incompat/volatile");
}

/** Whether the marker is there. It looks off the main thread; a work directory that is not there has none. */
export async function hasMarker(workdir: string): Promise<boolean> {
  const marker = volatileMarker(workdir);
  return fs.promises.lstat(marker).then(
    () => true,
    (err: NodeJS.ErrnoException) => {
      if (err.code === "ENOENT" || err.code === "ENOTDIR") return false;
      throw fsError(`look for ${marker}`, err);
    },
  );
}

/**
 * Whether the kernel knows the option, found out by a mount with it, and where that is refused by one without it:
 * where this is refused too the question stays open and the error is thrown. `scratchDir` has to be on a tmpfs,
 * where nothing waits for a disk; nothing is left in it. To explain a mount that was refused, not to be asked before
 * each; whoever asks keeps the answer.
 */
export async function supportsVolatile(libc: Libc, scratchDir: string): Promise<boolean> {
  const dir = await fs.promises.mkdtemp(path.join(scratchDir, "volatile-"));
  try {
    try {
      await mountTiny(libc, path.join(dir, "with"), ["volatile"]);
      return true;
    } catch (err) {
      if (!hasCode(err, StatusCode.invalidArgument)) throw err;
      await mountTiny(libc, path.join(dir, "without"), []);
      return false;
    }
  } finally {
    await fs.promises.rm(dir, { recursive: true });
  }
}

/** Mounts an overlay of empty directories, and unmounts it. */
async function mountTiny(libc: Libc, dir: string, options: readonly string[]): Promise<void> {
  const [lower = "", upper = "", work = "", target = ""] = ["lower", "upper", "work", "rootfs"].map((name) =>
    path.join(dir, name),
  );
  for (const one of [lower, upper, work, target]) await fs.promises.mkdir(one, { recursive: true });
  const data = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`, ...options].join(",");
  await libc.mount({ source: "overlay", target, type: "overlay", flags: 0, data });
  // On the main thread: what it may sync is a tmpfs, which has nothing to be synced to.
  libc.umount(target, UmountFlag.detach | UmountFlag.noFollow);
}

/** The error for a kernel that has not got the option. */
export function volatileUnsupported(kernel = os.release()): StatusError {
  return new StatusError(
    StatusCode.failedPrecondition,
    `linux ${kernel} does not know the overlay option volatile, which is there since 5.10: choose another mode of release (deferred or strict) or a newer kernel`,
  );
}

/** The error for a snapshot that the kernel refuses to mount because of the marker. */
export function volatileMarkerFound(workdir: string): StatusError {
  return new StatusError(
    StatusCode.failedPrecondition,
    `the snapshot with the work directory ${workdir} was mounted volatile and its release did not end cleanly, so what is in it may be incomplete: make it anew, or remove ${volatileMarker(workdir)} to use it as it is`,
  );
}
