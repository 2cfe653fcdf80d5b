import fs from "node:fs";
import { StatusError } from "../base/status.ts";
import type { HeldMount } from "./held-mounts.ts";
import { type Helper, openLock, startHelper } from "./release-helper.ts";
import { markersOf } from "./release-markers.ts";
import type { ReleaseHost } from "./release-request.ts";

/** Starts the helper that holds these mounts as well, and lets them go in its turn on their device. */
export async function startHolder(host: ReleaseHost, held: readonly HeldMount[]): Promise<Helper> {
  const markers = markersOf(held.map(({ mount }) => mount));
  // A volatile overlay is not synced, and so takes no turn.
  const lock = markers.length > 0 ? undefined : lockFor(host, held);
  try {
    return await startHelper({
      fds: held.map(({ fd }) => fd),
      turn: lock === undefined ? undefined : { lock, limitMs: host.turnMs },
      markers,
      fallbacks: host.helpers ?? [],
      shell: host.shell,
    });
  } finally {
    if (lock !== undefined) fs.closeSync(lock);
  }
}

/** The lock of the device that will be written to. Without it the release takes no turn, which costs time only. */
function lockFor({ runDirectory, logger }: ReleaseHost, held: readonly HeldMount[]): number | undefined {
  const overlay = held.find(({ backing: { kind, device } }) => kind === "overlay" && device !== "");
  if (overlay === undefined) return undefined;
  try {
    return openLock(runDirectory, overlay.backing.device);
  } catch (err) {
    logger.error("the release takes no turn on its device", { err: StatusError.from(err) });
    return undefined;
  }
}
