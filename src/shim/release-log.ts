import { within } from "../base/deadline.ts";
import type { Logger } from "../base/logger.ts";
import { StatusError } from "../base/status.ts";
import { readProcessStat } from "../linux/process-stat.ts";
import { devicesInUse } from "../rootfs/device-in-use.ts";
import type { PendingRelease } from "../rootfs/pending.ts";
import type { Release } from "../rootfs/release.ts";

/** When a release that goes on is told of, in milliseconds since its beginning; then each further minute. */
const TOLD_AT = [5_000, 30_000, 60_000];
const EACH_MS = 60_000;
/**
 * Whose end is told, by how long it took, in milliseconds: one on a disk that is not busy takes some, and to load what
 * writes log lines would take more of the processor than all the rest of a Delete.
 */
const TOLD_FROM_MS = 100;
/** How long to look whether a device is free, for which Delete waits: a device that works answers at once. */
const DEVICE_LOOK_MS = 1_000;

/** Logs what becomes of a release: who else holds its mounts, that it takes long, and its end then. Nobody waits. */
export function watchRelease(release: Release, logger: Logger): void {
  const started = performance.now();
  const mounts = release.mounts.map(({ mountPoint, source }) => ({ mountPoint, source }));
  const helpers = [...new Set(release.mounts.map(({ helper }) => helper.pid))];
  let timer: NodeJS.Timeout | undefined;
  const tellLater = (index: number) => {
    const due = TOLD_AT[index] ?? (index - TOLD_AT.length + 1) * EACH_MS + (TOLD_AT.at(-1) ?? 0);
    timer = setTimeout(
      () => {
        const states = helpers.map((pid) => `${pid} ${readProcessStat(pid)?.state ?? "gone"}`);
        logger.warn("the rootfs is still being released", {
          mounts,
          ms: Math.round(performance.now() - started),
          helpers: states,
        });
        tellLater(index + 1);
      },
      started + due - performance.now(),
    );
    // A shim that may go does not stay to tell; `ebb pending` does.
    timer.unref();
  };
  tellLater(0);
  void logHolders(release, logger);
  release.ended
    .then(
      ({ ms }) =>
        logger[ms < TOLD_FROM_MS ? "debug" : "info"]("the rootfs is released", { mounts, ms, helpers }),
      (err) => logger.error("the release of the rootfs went wrong", { mounts, err: StatusError.from(err) }),
    )
    .finally(() => clearTimeout(timer));
}

/** Names who has a copy of what was detached: what is unwritten is written when the last copy goes. */
async function logHolders({ mounts, copied }: Release, logger: Logger): Promise<void> {
  try {
    for (const { mount, holders } of await copied) {
      const { mountPoint, source } = mount;
      logger.warn("somebody else still holds the rootfs, and writes out what is left when they let it go", {
        mountPoint,
        source,
        holders,
      });
    }
  } catch (err) {
    const mountPoints = mounts.map(({ mountPoint }) => mountPoint);
    logger.warn("who else holds the rootfs is not known", { mountPoints, err: StatusError.from(err) });
  }
}

/** Warns of block devices that are not free though their mounts have been released. Never rejects. */
export async function warnOfDevicesInUse(mounts: readonly PendingRelease[], logger: Logger): Promise<void> {
  try {
    const devices = await within(devicesInUse(mounts), DEVICE_LOOK_MS, "looking whether the device is free");
    for (const device of devices) {
      logger.warn(
        "the rootfs is released, but its device is not free: a process that works in a directory of it, has a file of it open or has a copy of the mount still holds it (ls -l /proc/*/cwd /proc/*/fd)",
        { device },
      );
    }
  } catch (err) {
    logger.warn("whether the device of the rootfs is free is not known", { err: StatusError.from(err) });
  }
}
