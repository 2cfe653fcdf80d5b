import fs from "node:fs";
import path from "node:path";
import PQueue from "p-queue";
import { within } from "../../base/deadline.ts";
import { nullLogger } from "../../base/logger.ts";
import type { ReleaseMode } from "../../base/release-mode.ts";
import { StatusError } from "../../base/status.ts";
import { loadLibc } from "../../linux/koffi-libc.ts";
import { readAddress, readExitRecord, readInitPid, readOptions } from "../../oci/bundle.ts";
import { defaultRuncOptions } from "../../oci/options.ts";
import { checkId } from "../../oci/runc-args.ts";
import { readAnnotations } from "../../oci/spec.ts";
import { containerd } from "../../proto/index.ts";
import { timestamp } from "../events.ts";
import { type Flags, usageError } from "../flags.ts";
import { releaseModeOf } from "../release-mode.ts";
import { ContainerRootfs } from "../rootfs.ts";
import type { Settings } from "../settings.ts";
import { runcFor } from "../task/create-container.ts";
import { removeStaleSocket } from "./group-socket.ts";

/**
 * How much of its time the command waits for the OCI runtime, which takes as long as the container's processes take
 * to go: one that sleeps on a disk does not. The rest is for the rootfs, as the daemon waits for what stays mounted.
 */
const RUNTIME_SHARE = 0.5;

/** The socket is gone at once as a rule, so it comes before the rootfs, which in mode strict may take all that is left. */
const SOCKET_SHARE = 0.5;

/** The status of a process that was killed because its shim had died: 128 + SIGKILL. */
const KILLED = 137;

/**
 * The `delete` command: brings the host back to clean after a shim has died, and tells the daemon how the
 * container ended, as far as the shim had written that down. Works with any file of the bundle missing or damaged; what
 * cannot be cleaned up is told on stderr, which the daemon logs.
 */
export async function deleteDead(flags: Flags, settings: Settings): Promise<void> {
  if (flags.namespace === "") throw usageError("flag -namespace is missing or empty");
  if (flags.id === "") throw usageError("flag -id is missing or empty");
  checkId(flags.id);
  checkId(flags.namespace);
  const bundle = flags.bundle === "" ? path.join(path.dirname(process.cwd()), flags.id) : flags.bundle;
  const giveUp = performance.now() + settings.deleteMs;
  const parts: [what: string, share: number, clean: () => Promise<unknown>][] = [
    ["the container", RUNTIME_SHARE, () => removeContainer(flags, bundle)],
    ["the socket", SOCKET_SHARE, () => removeSocket(bundle)],
    ["the rootfs", 1, () => releaseRootfs(rootfsOf(flags, bundle, settings))],
  ];
  for (const [what, share, clean] of parts) {
    const limitMs = Math.max(1, Math.floor((giveUp - performance.now()) * share));
    await within(clean(), limitMs, `removing ${what}`).catch((err) =>
      fs.writeSync(2, `${what} of ${flags.id}: ${StatusError.from(err).message}\n`),
    );
  }
  fs.writeSync(1, answer(bundle));
}

async function removeContainer(flags: Flags, bundle: string): Promise<void> {
  const options = orNothing(() => readOptions(bundle)) ?? defaultRuncOptions;
  const runc = runcFor({ logger: nullLogger, namespace: flags.namespace }, bundle, options);
  await runc.delete(flags.id, { force: true });
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

async function removeSocket(bundle: string): Promise<void> {
  const address = readAddress(bundle);
  if (address?.startsWith("unix:///")) await removeStaleSocket(address.slice("unix://".length));
}

/** The true end where the shim wrote it down before it died, else a kill now. A file that is damaged says nothing. */
function answer(bundle: string): Uint8Array {
  const record = orNothing(() => readExitRecord(bundle));
  const pid = record?.pid ?? orNothing(() => readInitPid(bundle)) ?? 0;
  return containerd.task.v2.DeleteResponse.encode({
    pid,
    exitStatus: record?.status ?? KILLED,
    exitedAt: timestamp(record?.at ?? new Date()),
  }).finish();
}

/** What a file of the bundle says; nothing where it cannot be read, which is told on stderr. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (err) {
    fs.writeSync(2, `${StatusError.from(err).message}\n`);
    return undefined;
  }
}
