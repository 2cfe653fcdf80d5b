import { abortable, deadline } from "../base/deadline.ts";
import { hasCode, StatusCode } from "../base/status.ts";
import { readMountInfo } from "../linux/mountinfo.ts";
import { executeMounts } from "./mount-execute.ts";
import { type MountSpec, planMounts } from "./mount-plan.ts";
import { type ReleaseHost, type ReleaseRequest, releaseRootfs } from "./release.ts";
import { runFolder } from "./run-directory.ts";

/** What mounting a rootfs needs. */
export interface MountRootfsOptions {
  readonly host: ReleaseHost;
  readonly mounts: readonly MountSpec[];
  /** Where (a directory that is there), and how it is let go again where a mount fails. */
  readonly release: ReleaseRequest;
  /** How long it may take, in milliseconds. */
  readonly limitMs: number;
}

/**
 * Mounts a container's rootfs, off the main thread. Where a mount fails, those before it are released again, and
 * what had been mounted there before the call stays. Past the limit the error is `deadlineExceeded`; the kernel
 * cannot be stopped in the middle of a mount, so what comes through later is released then, and logged.
 */
export async function mountRootfs(options: MountRootfsOptions): Promise<void> {
  const { host, mounts, release, limitMs } = options;
  const { rootfs } = release;
  const steps = planMounts(mounts);
  const keep = new Set(readMountInfo().map(({ id }) => id));
  const { signal, cleanup } = deadline(limitMs, `mounting ${rootfs}`);
  const scratchDir = () => runFolder(host.runDirectory, "views");
  const mounting = executeMounts(host.libc, steps, { rootfs, scratchDir, signal });
  try {
    await abortable(mounting, signal);
  } catch (err) {
    const undone = undo(mounting, host, { ...release, keep });
    if (!hasCode(err, StatusCode.deadlineExceeded)) await undone;
    throw err;
  } finally {
    cleanup();
  }
}

/** Waits until the mounts have come to an end of either kind, and releases what is there then. */
async function undo(mounting: Promise<void>, host: ReleaseHost, release: ReleaseRequest): Promise<void> {
  const { logger } = host;
  await mounting.catch(() => {});
  try {
    const { mounts } = await releaseRootfs(host, release);
    if (mounts.length > 0) logger.warn("a mount that failed or came too late was released", { mounts });
  } catch (err) {
    logger.error("a mount that failed or came too late was left behind", { rootfs: release.rootfs, err });
  }
}
