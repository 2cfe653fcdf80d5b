import { createHash } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { waitUntilNot } from "../base/poll.ts";
import { identifyProcess, isRunning, killProcess, type ProcessIdentity } from "./process-state.ts";
import type { ShimCommand } from "./shim-command.ts";

/** How long a killed shim may take to go, in milliseconds; one in an uninterruptible call takes longer. */
const KILL_MS = 5_000;

/** Which container a shim is of. */
type ShimOf = Pick<ShimCommand, "namespace" | "id" | "address">;

/**
 * The processes of the shim that serves a container: those whose command line names its namespace, its id and
 * its daemon's address. For when a shim cannot be asked for its pid.
 */
export async function findShimProcesses(command: ShimOf): Promise<ProcessIdentity[]> {
  const found: ProcessIdentity[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name) || !(await isNamedBy(Number(name), command))) continue;
    const identity = await identifyProcess(Number(name));
    if (identity !== undefined) found.push(identity);
  }
  return found;
}

/** Whether a process's command line names a container. */
async function isNamedBy(pid: number, command: ShimOf): Promise<boolean> {
  const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
  return (["namespace", "id", "address"] as const).every((name) => {
    const at = words.indexOf(`-${name}`);
    return at >= 0 && words[at + 1] === command[name];
  });
}

/**
 * Waits until a shim serves a container no more, at most `ms` milliseconds; says whether it came to that. Its process
 * has gone then, or stands by for another container.
 */
export async function waitUntilServedNoMore(
  shim: ProcessIdentity,
  command: ShimOf,
  ms: number,
): Promise<boolean> {
  return waitUntilNot(async () => (await isNamedBy(shim.pid, command)) && (await isRunning(shim)), ms);
}

/** Where shims listen that are told no other directory. */
const SOCKET_DIR = "/run/containerd/s";

/** Where the shim of a container listens that is no group's, by the rule that containerd's shims share. */
export function usualSocket({ namespace, id, address }: ShimOf): string {
  const name = path.join(address, namespace, id);
  return path.join(SOCKET_DIR, createHash("sha256").update(name).digest("hex"));
}

/** Kills what is left of a shim, and removes its socket. Says whether all of it is gone. */
export async function killShim(command: ShimOf, socket: string | undefined): Promise<boolean> {
  const gone = await Promise.all(
    (await findShimProcesses(command)).map(async (process) =>
      // One that stands by, or serves another container, since it was found is not killed.
      (await isNamedBy(process.pid, command)) ? killProcess(process, KILL_MS) : true,
    ),
  );
  if (socket !== undefined) await rm(socket, { force: true });
  return gone.every(Boolean);
}
