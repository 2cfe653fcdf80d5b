import { mkdir, mkdtemp, rm, rmdir } from "node:fs/promises";
import path from "node:path";
import { within } from "../base/deadline.ts";
import { hasCode, StatusCode, StatusError } from "../base/status.ts";
import { type Bundle, createBundle } from "./bundle.ts";
import type { ContainerOptions } from "./container-options.ts";
import { EventReceiver } from "./event-receiver.ts";
import { deleteShim } from "./launch.ts";
import { type PreparedRootfs, prepareRootfs } from "./rootfs.ts";
import type { Shim } from "./shim.ts";
import { resolveShimBinary } from "./shim-binary.ts";
import type { ShimCommand } from "./shim-command.ts";
import { findShimProcesses, killShim, waitUntilServedNoMore } from "./shim-process.ts";
import { defaultSpec } from "./spec.ts";
import { ContainerStdio } from "./stdio.ts";

/** Bounds of what removal asks of a shim, in milliseconds: past them it goes on without the shim. */
const KILL_MS = 5_000;
const DELETE_MS = 15_000;
/** What the daemon gives a shim to go after Shutdown. */
const SHUTDOWN_MS = 3_000;

const SIGKILL = 9;

/** Annotations that put several containers into one shim. */
const GROUP_ANNOTATIONS = ["io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"];

/** Everything that exists for a container, as far as it was made. */
export interface ContainerParts {
  command?: ShimCommand;
  bundle?: Bundle;
  scratch?: string;
  rootfs?: PreparedRootfs;
  stdio?: ContainerStdio;
  events?: EventReceiver;
  /** Closes the receiver of events where it is the container's own. */
  closeEvents?: () => Promise<void>;
  shim?: Shim;
  /** `start` was called: a server may be there even if it never answered. */
  launched?: boolean;
  /** The answer to Create; a shim knows no container to kill or delete before it has come. */
  creating?: Promise<unknown>;
  /** Create was called, and Delete has not answered. */
  created?: boolean;
}

/** Makes all that a shim needs before it is launched. What was made is in `parts` even when it rejects. */
export async function prepareParts(options: ContainerOptions, parts: ContainerParts): Promise<ShimCommand> {
  const { id, namespace } = options;
  const state = path.resolve(options.stateDir);
  const binary = resolveShimBinary(options.runtime);
  await mkdir(state, { recursive: true, mode: 0o700 });
  const spec = defaultSpec({ ...options.spec, namespace, id });
  parts.bundle = await createBundle({ root: path.join(state, "bundles"), namespace, id, spec });
  const scratch = await mkdtemp(path.join(state, "run-"));
  parts.scratch = scratch;
  parts.rootfs = await prepareRootfs(options.rootfs, path.join(scratch, "layer"));
  parts.stdio = await ContainerStdio.open(path.join(scratch, "stdio"), options.stdio ?? {});
  parts.events = options.events ?? (await EventReceiver.listen(path.join(scratch, "events")));
  if (options.events === undefined) parts.closeEvents = () => parts.events?.close() ?? Promise.resolve();
  parts.command = {
    binary,
    namespace,
    id,
    bundle: parts.bundle.path,
    address: path.join(state, "ebb.sock"),
    ttrpcAddress: parts.events.address,
    ...(options.debug === undefined ? {} : { debug: options.debug }),
    ...(options.env === undefined ? {} : { env: options.env }),
  };
  return parts.command;
}

/** Whether the shim of a container may serve others too, and so is not this container's to kill. */
export function sharesShim(options: ContainerOptions): boolean {
  return GROUP_ANNOTATIONS.some((name) => options.spec.annotations?.[name] !== undefined);
}

/**
 * Tells the shim to shut down and waits until it serves no more, 3 s at most, as the daemon does. One that
 * serves other containers too stays, and that is well.
 */
export async function shutDownShim(parts: ContainerParts, shared: boolean): Promise<void> {
  const { shim, command } = parts;
  if (shim === undefined || command === undefined) return;
  const processes = await findShimProcesses(command);
  await shim.task.shutdown({ id: command.id, now: false }, { timeoutMs: SHUTDOWN_MS }).catch(unlessGone);
  if (shared) return;
  const gone = await Promise.all(
    processes.map((process) => waitUntilServedNoMore(process, command, SHUTDOWN_MS)),
  );
  if (gone.every(Boolean)) return;
  const pids = processes.map(({ pid }) => pid).join(", ");
  throw new StatusError(
    StatusCode.deadlineExceeded,
    `shim ${pids} lives on ${SHUTDOWN_MS} ms after Shutdown`,
  );
}

/**
 * Removes all there is, asking the shim first, then without it. Goes on after a step that fails, and rejects
 * in the end with what could not be done.
 */
export async function removeParts(parts: ContainerParts, shared: boolean): Promise<void> {
  const problems: string[] = [];
  const attempt = async (what: string, work: () => Promise<unknown>) => {
    try {
      await work();
      return true;
    } catch (error) {
      problems.push(`${what}: ${StatusError.from(error).message}`);
      return false;
    }
  };
  const asked = await removeByShim(parts, shared).catch(() => false);
  const { command, shim } = parts;
  if (parts.launched && command !== undefined && !shared) {
    await attempt("shim", async () => {
      if (await killShim(command, shim?.socketPath)) return;
      throw new StatusError(StatusCode.deadlineExceeded, `the shim of ${command.id} does not end`);
    });
  }
  if (parts.launched && command !== undefined && !asked) {
    // Where no shim ever served there may be nothing to delete, which is no problem of the removal.
    await (shim === undefined
      ? deleteShim(command).catch(() => {})
      : attempt("delete", () => deleteShim(command)));
  }
  await attempt("log", async () => shim?.close());
  await attempt("events", async () => parts.closeEvents?.());
  await attempt("stdio", async () => parts.stdio?.close());
  const unmounted = await attempt("bundle", async () => parts.bundle?.remove());
  if (unmounted) await attempt("state", () => removeScratch(parts));
  if (problems.length === 0) return;
  throw new StatusError(StatusCode.internal, `not all could be removed: ${problems.join("; ")}`);
}

/**
 * Kills and deletes by the shim, and shuts it down. Says whether the shim has done all of that: one that knows
 * no such container after a failed Create may have left one in its runtime all the same.
 */
async function removeByShim(parts: ContainerParts, shared: boolean): Promise<boolean> {
  const { shim, command } = parts;
  if (shim === undefined || command === undefined) return false;
  const { id } = command;
  let deleted = true;
  if (parts.created) {
    await within(parts.creating ?? Promise.resolve(), KILL_MS, "Create").catch(() => {});
    await shim.task.kill({ id, signal: SIGKILL, all: true }, { timeoutMs: KILL_MS }).catch(unlessNotFound);
    await shim.task.wait({ id }, { timeoutMs: KILL_MS }).catch(unlessNotFound);
    const answer = await shim.task.delete({ id }, { timeoutMs: DELETE_MS }).catch(unlessNotFound);
    deleted = answer !== undefined;
    parts.created = false;
  }
  await shutDownShim(parts, shared);
  return deleted;
}

async function removeScratch({ rootfs, scratch, bundle }: ContainerParts): Promise<void> {
  await rootfs?.remove();
  if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  // The directory of all bundles goes with the last one; it is made again when needed.
  if (bundle !== undefined) await rmdir(path.dirname(path.dirname(bundle.path))).catch(() => {});
}

function unlessNotFound(error: unknown): void {
  if (!hasCode(error, StatusCode.notFound)) throw error;
}

/** A shim that goes while it answers has done what it was told. */
function unlessGone(error: unknown): void {
  if (!hasCode(error, StatusCode.unavailable)) throw error;
}
