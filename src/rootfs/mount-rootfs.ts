import { abortable, deadline } from "../base/deadline.ts";
import type { Logger } from "../base/logger.ts";
import { hasCode, StatusCode } from "../base/status.ts";
import type { Libc } from "../linux/libc.ts";
import { readMountInfo } from "../linux/mountinfo.ts";
import { executeMounts } from "./mount-execute.ts";
import { type MountSpec, planMounts } from "./mount-plan.ts";
import { type ReleaseOptions, releaseRootfs } from "./release.ts";

/** What mounting a rootfs needs. */
export interface MountRootfsOptions {
  readonly libc: Libc;
  readonly mounts: readonly MountSpec[];
  /** Where: an absolute path of an existing directory. */
  readonly rootfs: string;
  /** How long it may take, in milliseconds. */
  readonly limitMs: number;
  readonly logger: Logger;
}

/**
 * Mounts a container's rootfs, off the main thread. Where a mount fails, those before it are released again, and
 * what had been mounted there before the call stays. Past the limit the error is `deadlineExceeded`; the kernel
 * cannot be stopped in the middle of a mount, so what comes through later is released then, and logged.
 */
export async function mountRootfs(options: MountRootfsOptions): Promise<void> {
  const { libc, mounts, rootfs, limitMs, logger } = options;
  const steps = planMounts(mounts);
  const keep = new Set(readMountInfo().map(({ id }) => id));
  const { signal, cleanup } = deadline(limitMs, `mounting ${rootfs}`);
  const mounting = executeMounts(libc, steps, { rootfs, signal });
  try {
    await abortable(mounting, signal);
  } catch (err) {
    const undone = undo(mounting, { libc, rootfs, logger, keep });
    if (!hasCode(err, StatusCode.deadlineExceeded)) await undone;
    throw err;
  } finally {
    cleanup();
  }
}

/** Waits until the mounts have come to an end of either kind, and releases what is there then. */
async function undo(mounting: Promise<void>, release: ReleaseOptions): Promise<void> {
  const { rootfs, logger } = release;
  await mounting.catch(() => {});
  try {
    const { mounts } = await releaseRootfs(release);
    if (mounts.length > 0) logger.warn("a mount that failed or came too late was released", { mounts });
  } catch (err) {
    logger.error("a mount that failed or came too late was left behind", { rootfs, err });
  }
}
