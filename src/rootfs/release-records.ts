import { StatusError } from "../base/status.ts";
import type { HeldMount } from "./held-mounts.ts";
import { type PendingRelease, PendingReleases } from "./pending.ts";
import type { Helper } from "./release-helper.ts";
import type { ReleaseHost, ReleaseRequest } from "./release-request.ts";

/** What others are told of a mount that a helper holds. */
export function entryOf(
  { mount, backing }: HeldMount,
  request: ReleaseRequest,
  helper: Helper,
): PendingRelease {
  const { namespace, id, mode } = request;
  const { kind, source, key, device } = backing;
  return {
    ...{ namespace, id, mode, kind, source, device },
    ...(key !== undefined && { key }),
    mountPoint: mount.mountPoint,
    mountId: mount.id,
    mounted: mount.device,
    since: new Date().toISOString(),
    helper: { pid: helper.pid, startTime: helper.startTime },
  };
}

/** What has been written down. */
export interface Records {
  /** Why not all could be; empty where it could. */
  readonly failure: string;
  readonly remove: () => void;
}

/** Writes the entries down. A run directory that cannot be written is no reason to keep the rootfs mounted. */
export function recordAll(host: ReleaseHost, entries: readonly PendingRelease[]): Records {
  const registry = new PendingReleases(host.runDirectory);
  const removals: (() => void)[] = [];
  let failure = "";
  for (const entry of entries) {
    try {
      removals.push(registry.add(entry));
    } catch (err) {
      failure = `the release cannot be written down: ${StatusError.from(err).message}`;
      host.logger.error(failure, { err });
    }
  }
  const remove = () => {
    for (const removal of removals) removal();
  };
  return { failure, remove };
}
