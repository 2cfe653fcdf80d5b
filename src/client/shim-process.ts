import { createHash } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { identifyProcess, killProcess, type ProcessIdentity } from "./process-state.ts";
import type { ShimCommand } from "./shim-command.ts";

/** How long a killed shim may take to go, in milliseconds; one in an uninterruptible call takes longer. */
const KILL_MS = 5_000;

/**
 * The processes of the shim that serves a container: those whose command line names its namespace, its id and
 * its daemon's address. For when a shim cannot be asked for its pid.
 */
export async function findShimProcesses(
  command: Pick<ShimCommand, "namespace" | "id" | "address">,
): Promise<ProcessIdentity[]> {
  const found: ProcessIdentity[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const words = (await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "")).split("\0");
    const flag = (key: string) => words[words.indexOf(`-${key}`) + 1];
    const named = words.includes("-namespace") && words.includes("-id") && words.includes("-address");
    if (!named || flag("namespace") !== command.namespace) continue;
    if (flag("id") !== command.id || flag("address") !== command.address) continue;
    const identity = await identifyProcess(Number(name));
    if (identity !== undefined) found.push(identity);
  }
  return found;
}

/** Where shims listen that are told no other directory. */
const SOCKET_DIR = "/run/containerd/s";

/** Where the shim of a container listens that is no group's, by the rule that containerd's shims share. */
export function usualSocket({
  namespace,
  id,
  address,
}: Pick<ShimCommand, "namespace" | "id" | "address">): string {
  const name = path.join(address, namespace, id);
  return path.join(SOCKET_DIR, createHash("sha256").update(name).digest("hex"));
}

/** Kills what is left of a shim, and removes its socket. Says whether all of it is gone. */
export async function killShim(
  command: Pick<ShimCommand, "namespace" | "id" | "address">,
  socket: string | undefined,
): Promise<boolean> {
  const gone = await Promise.all(
    (await findShimProcesses(command)).map((process) => killProcess(process, KILL_MS)),
  );
  if (socket !== undefined) await rm(socket, { force: true });
  return gone.every(Boolean);
}
