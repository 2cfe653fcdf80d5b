import type PQueue from "p-queue";
import { abortable, deadline } from "../base/deadline.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { parseMountInfo, readMountTable } from "../linux/mountinfo.ts";
import { executeMounts } from "./mount-execute.ts";
import { type MountSpec, planMounts } from "./mount-plan.ts";
import { isNothingMounted } from "./nothing-mounted.ts";
import { releaseRootfs } from "./release.ts";
import type { ReleaseHost, ReleaseRequest } from "./release-request.ts";
import { runFolder } from "./run-directory.ts";

/** What mounting a rootfs needs. */
export interface MountRootfsOptions {
  readonly host: ReleaseHost;
  readonly mounts: readonly MountSpec[];
  /** Where (a directory that is there), and how it is let go again where a mount fails. */
  readonly release: ReleaseRequest;
  /** How long it may take, in milliseconds, the wait for its turn included. */
  readonly limitMs: number;
  /** Aborts when nobody wants it any longer: no further mount is begun, and it fails with the reason. */
  readonly signal?: AbortSignal | undefined;
  /** Lets only so many mounts go on at once; one that the kernel has not ended counts, whoever has given up on it. */
  readonly queue: PQueue;
}

/** Where a mount, or the release of one that failed, is not over: that may be long after its call has ended. */
const underWay = new Set<string>();

/**
 * Mounts a container's rootfs, off the main thread. Where a mount fails, those before it are released again, and
 * what had been mounted there before the call stays. Past the limit the error is `deadlineExceeded`; the kernel
 * cannot be stopped in the middle of a mount, so what comes through later is released then, and logged. One whose
 * turn has not come until then is not begun. Until all that is over another call for the same path is refused with
 * `failedPrecondition`: the late mount would come to lie on its rootfs, and could not be released without it.
 */
export async function mountRootfs(options: MountRootfsOptions): Promise<void> {
  const { host, mounts, release, limitMs, queue } = options;
  const { rootfs } = release;
  const steps = planMounts(mounts);
  if (underWay.has(rootfs)) throw stillUnderWay(rootfs);
  underWay.add(rootfs);
  const limit = deadline(limitMs, `mounting ${rootfs}`);
  const { signal, cleanup } = deadline(Infinity, `mounting ${rootfs}`, limit.signal, options.signal);
  const scratchDir = () => runFolder(host.runDirectory, "views");
  let undone = Promise.resolve();
  try {
    const before = (await abortable(isNothingMounted(rootfs), signal)) ? "" : readMountTable();
    // The queue is not given the signal: it would take the next one in while the kernel is still at this.
    const mounting = queue.add(() => executeMounts(host.libc, steps, { rootfs, scratchDir, signal }));
    await abortable(mounting, signal).catch(async (err) => {
      const keep = new Set(parseMountInfo(before).map(({ id }) => id));
      undone = undo(mounting, host, { ...release, keep });
      await abortable(undone, limit.signal).catch(() => {});
      throw err;
    });
  } finally {
    cleanup();
    limit.cleanup();
    void undone.then(() => underWay.delete(rootfs));
  }
}

function stillUnderWay(rootfs: string): StatusError {
  const message = `an earlier mount of ${rootfs} is still under way in the kernel, or being taken back`;
  return new StatusError(StatusCode.failedPrecondition, message);
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
