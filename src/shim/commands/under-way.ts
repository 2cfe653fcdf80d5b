import { ageOf, PendingReleases } from "../../rootfs/pending.ts";
import type { OpenService } from "./open-service.ts";

/** A call that is not answered yet. */
export interface Call {
  readonly name: string;
  /** Whose it is; nearly every request names a container, some an exec of it. */
  readonly request: { readonly id?: string; readonly execId?: string };
  /** Of the monotonic clock. */
  readonly since: number;
}

/**
 * Logs in one line what a server is about: the calls that are not answered, its containers with their execs, and the
 * rootfs of its namespace that are still being released. For somebody who wonders why a shim does nothing.
 */
export function tellUnderWay(
  { service, logger }: OpenService,
  calls: Iterable<Call>,
  releasesOf: { readonly namespace: string; readonly runDirectory: string },
): void {
  const now = performance.now();
  const { namespace, runDirectory } = releasesOf;
  const releases = new PendingReleases(runDirectory).list().filter((each) => each.namespace === namespace);
  logger.info("what is under way", {
    calls: [...calls].map(({ name, request: { id, execId }, since }) => ({
      call: name,
      id,
      execId,
      ms: Math.round(now - since),
    })),
    containers: [...service.containers].map((container) => {
      const { id, init, execs } = container;
      const processes = [init, ...execs].map((process) => {
        const { execId, pid } = process;
        return { execId, pid, state: container.stateOf(process) };
      });
      return { id, processes };
    }),
    releases: releases.map((each) => ({ id: each.id, ms: ageOf(each), helper: each.helper.pid })),
  });
}
