import { within } from "../base/deadline.ts";
import type { Logger } from "../base/logger.ts";
import { StatusError } from "../base/status.ts";
import { findMountHolders } from "../linux/mount-holders.ts";
import { readProcessStat } from "../linux/process-stat.ts";
import type { Release } from "../rootfs/release.ts";

/** When a release that goes on is told of, in milliseconds since its beginning; then each further minute. */
const TOLD_AT = [5_000, 30_000, 60_000];
const EACH_MS = 60_000;
/** How long to look for holders: some tens of milliseconds are usual, and nobody waits for it. */
const LOOK_MS = 5_000;

/** Logs what becomes of a release: who else holds its mounts, that it takes long, and its end. Nobody waits. */
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
      ({ ms }) => logger.info("the rootfs is released", { mounts, ms, helpers }),
      (err) => logger.error("the release of the rootfs went wrong", { mounts, err: StatusError.from(err) }),
    )
    .finally(() => clearTimeout(timer));
}

/** Names who has a copy of what was detached: what is unwritten is written when the last copy goes. */
async function logHolders({ mounts }: Release, logger: Logger): Promise<void> {
  const overlays = mounts.filter(({ kind }) => kind !== "shared");
  for (const { mounted, mountPoint, source } of overlays) {
    try {
      const { holders } = await within(
        findMountHolders(mounted),
        LOOK_MS,
        `looking for who holds ${mountPoint}`,
      );
      if (holders.length > 0) {
        logger.warn("somebody else still holds the rootfs, and writes out what is left when they let it go", {
          mountPoint,
          source,
          holders,
        });
      }
    } catch (err) {
      logger.warn("who else holds the rootfs is not known", { mountPoint, err: StatusError.from(err) });
    }
  }
}
