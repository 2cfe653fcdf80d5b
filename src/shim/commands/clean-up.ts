import fs from "node:fs";
import PQueue from "p-queue";
import { within } from "../../base/deadline.ts";
import { nullLogger } from "../../base/logger.ts";
import type { ReleaseMode } from "../../base/release-mode.ts";
import { removeLeftGroups } from "../../linux/cgroup/left-groups.ts";
import { loadLibc } from "../../linux/koffi-libc.ts";
import { readAnnotations } from "../../oci/annotations.ts";
import { readOptions } from "../../oci/bundle.ts";
import { cgroupsPathOf } from "../../oci/config.ts";
import { defaultRuncOptions } from "../../oci/options.ts";
import { killOrphanedCalls } from "../../oci/orphaned-calls.ts";
import type { Runc } from "../../oci/runc.ts";
import type { Flags } from "../flags.ts";
import { releaseModeOf } from "../release-mode.ts";
import { ContainerRootfs } from "../rootfs.ts";
import type { Settings } from "../settings.ts";
import { runcFor } from "../task/create-container.ts";
import { orTold } from "./or-told.ts";

/**
 * How much of the time that it has left the command gives to each part. The OCI runtime takes as long as the container's
 * processes take to go: one that sleeps on a disk does not. Some is kept for the rootfs, as the daemon waits for what
 * stays mounted.
 */
const SHARE = { calls: 0.1, container: 0.5, groups: 0.1, rootfs: 1 };

/**
 * Removes what a dead shim has left of a container: its processes and the state of the OCI runtime, and the rootfs.
 * What cannot be cleaned up, or not until `giveUp` (of the monotonic clock), is told on stderr.
 */
export async function cleanUp(options: {
  readonly flags: Flags;
  readonly bundle: string;
  readonly settings: Settings;
  readonly giveUp: number;
}): Promise<void> {
  const { flags, bundle, settings, giveUp } = options;
  const runc = await runtimeOf(flags, bundle);
  let wasAborted = runc.isAborted(flags.id);
  const killCalls = async (ms: number) => {
    try {
      wasAborted = (await killOrphanedCalls(bundle, ms)) || wasAborted;
    } catch (err) {
      wasAborted = true;
      throw err;
    }
  };
  const parts: [what: string, share: number, clean: (limitMs: number) => Promise<unknown>][] = [
    // First: what goes on making a container would make again what is removed here.
    ["calls of the OCI runtime", SHARE.calls, killCalls],
    [
      "the container",
      SHARE.container,
      (ms) => within(runc.delete(flags.id, { force: true }), ms, "removing it"),
    ],
    [
      "control groups",
      SHARE.groups,
      async (ms) => wasAborted && (await removeLeftGroups(cgroupsPathOf(bundle), ms)),
    ],
    [
      "the rootfs",
      SHARE.rootfs,
      (ms) => within(releaseRootfs(rootfsOf(flags, bundle, settings)), ms, "removing it"),
    ],
  ];
  for (const [what, share, clean] of parts) {
    const limitMs = Math.max(1, Math.floor((giveUp - performance.now()) * share));
    await orTold(`${what} of ${flags.id}: `, () => clean(limitMs));
  }
}

/** The OCI runtime that the shim has used, as far as that can be read. */
async function runtimeOf({ namespace }: Flags, bundle: string): Promise<Runc> {
  const options = (await orTold("", () => readOptions(bundle))) ?? defaultRuncOptions;
  const there = fs.existsSync(bundle) ? bundle : undefined;
  return runcFor({ logger: nullLogger, namespace }, there, options);
}

/** The helper outlives this process: a sync that nobody has asked to wait for is nobody's to wait for. */
async function releaseRootfs(rootfs: ContainerRootfs): Promise<void> {
  await rootfs.detach();
  await rootfs.settled();
}

function rootfsOf({ namespace, id }: Flags, bundle: string, settings: Settings): ContainerRootfs {
  const host = { libc: loadLibc(), settings, logger: nullLogger, mounting: new PQueue() };
  return new ContainerRootfs(host, { namespace, id, bundle, mode: modeOf(bundle, settings) });
}

/** A config.json that is gone, or no longer readable, must not keep the rootfs mounted. */
function modeOf(bundle: string, settings: Settings): ReleaseMode {
  try {
    return releaseModeOf(readAnnotations(bundle), settings);
  } catch {
    return settings.release;
  }
}
