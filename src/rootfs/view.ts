import fs from "node:fs";
import path from "node:path";
import { abortable, deadline } from "../base/deadline.ts";
import { close, open } from "../base/file-calls.ts";
import type { Logger } from "../base/logger.ts";
import { hasCode, StatusCode } from "../base/status.ts";
import { fsError } from "../linux/errno.ts";
import { type Libc, O_PATH, UmountFlag } from "../linux/libc.ts";
import { type ExecuteOptions, executeMounts } from "./mount-execute.ts";
import { type MountSpec, type MountStep, planMounts } from "./mount-plan.ts";
import { readOnlyMounts } from "./view-mounts.ts";

/** What a view needs. */
export interface ViewOptions {
  /** The rootfs as it would be mounted to run. */
  readonly mounts: readonly MountSpec[];
  /** An existing directory, on a tmpfs so that making one in it waits for no disk. */
  readonly scratchDir: string;
  /** How long mounting, looking and letting go may take together, in milliseconds. */
  readonly limitMs: number;
  readonly logger: Logger;
}

/** Where a view is mounted for a moment, and until when. */
interface Place {
  readonly scratchDir: string;
  readonly signal: AbortSignal;
}

/**
 * Looks into a rootfs without writing to it: mounts its layers read-only for as long as `use` takes, also while a
 * container writes to the same upper directory or a release still syncs it. The unmount has nothing to sync.
 *
 * The view has left the mount tree before `use` sees it: no mount namespace made meanwhile gets a copy, and our death
 * leaves nothing. The path it is given, below `/proc/self/fd`, is for this process and until `use` ends; what is an
 * image's, `readInView` reads. Past the limit the error is `deadlineExceeded`, the signal that `use` has aborts, and
 * what comes through or ends later is let go then.
 *
 * The kernel wants two lower directories at least of an overlay without an upper one: an overlay that can be written
 * to has them. A block device that is mounted writable elsewhere is `failedPrecondition`, and one with a journal to
 * replay is written to by the kernel.
 */
export async function withView<T>(
  libc: Libc,
  { mounts, scratchDir, limitMs, logger }: ViewOptions,
  use: (dir: string, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const steps = planMounts(readOnlyMounts(mounts));
  const what = mounts.map(nameOf).join(", ");
  const { signal, cleanup } = deadline(limitMs, `a view of ${what}`);
  const opening = openView(libc, steps, { scratchDir, signal });
  let used: Promise<unknown> = Promise.resolve();
  try {
    const fd = await abortable(opening, signal);
    const looking = use(`/proc/self/fd/${fd}`, signal);
    used = looking.catch(() => {});
    return await abortable(looking, signal);
  } finally {
    await abortable(letGo(opening, used), signal).catch((err: unknown) => {
      if (signal.aborted) logger.warn("a view is let go later than its limit", { mounts: what, err });
      else logger.error("a view could not be let go", { mounts: what, err });
    });
    cleanup();
  }
}

/** What tells a mount from others: the source of each overlay is the same. */
function nameOf({ source, options }: MountSpec): string {
  return options.find((option) => option.startsWith("upperdir=")) ?? source;
}

/**
 * Not before the look has ended, as the number would soon mean another directory; and off the main thread: the last
 * reference to a layer's file that was deleted meanwhile frees its blocks.
 */
async function letGo(opening: Promise<number>, used: Promise<unknown>): Promise<void> {
  const fd = await opening.catch(() => undefined);
  await used;
  if (fd !== undefined) await close(fd);
}

/** The view as a descriptor, which is all that holds it. Leaves no directory and no mount behind. */
async function openView(
  libc: Libc,
  steps: readonly MountStep[],
  { scratchDir, signal }: Place,
): Promise<number> {
  const dir = await fs.promises.mkdtemp(path.join(scratchDir, "view-")).catch((err: unknown) => {
    throw fsError(`make a directory for a view in ${scratchDir}`, err);
  });
  const [mounted] = await Promise.allSettled([mountPrivately(libc, steps, { rootfs: dir, signal })]);
  const fds = await takeOut(libc, dir, steps.length + 1);
  await fs.promises.rmdir(dir);
  const [view = -1, ...others] = fds;
  await closeAll(mounted.status === "rejected" ? fds : others);
  if (mounted.status === "rejected") throw mounted.reason;
  return view;
}

/** Mounts on a mount of the directory that is nobody's peer, so that no other mount namespace is given a copy. */
async function mountPrivately(
  libc: Libc,
  steps: readonly MountStep[],
  options: ExecuteOptions,
): Promise<void> {
  const base = { source: options.rootfs, target: "", type: "bind", options: ["bind", "private"] };
  await executeMounts(libc, [...planMounts([base]), ...steps], options);
}

/**
 * Takes the mounts that are stacked on a directory out of the tree, uppermost first, and hands back a descriptor of
 * each. While it is open the unmounting changes the tree only, and so can be done on the main thread.
 */
async function takeOut(libc: Libc, dir: string, most: number): Promise<number[]> {
  const fds: number[] = [];
  try {
    for (let left = most; left > 0; left -= 1) {
      fds.push(await open(dir, O_PATH | fs.constants.O_NOFOLLOW));
      if (!detach(libc, dir)) {
        await closeAll(fds.splice(-1));
        break;
      }
    }
    return fds;
  } catch (err) {
    await closeAll(fds);
    throw err;
  }
}

/** Whether something was mounted there. */
function detach(libc: Libc, dir: string): boolean {
  try {
    libc.umount(dir, UmountFlag.detach | UmountFlag.noFollow);
    return true;
  } catch (err) {
    if (hasCode(err, StatusCode.invalidArgument)) return false;
    throw err;
  }
}

async function closeAll(fds: readonly number[]): Promise<void> {
  await Promise.all(fds.map((fd) => close(fd)));
}
