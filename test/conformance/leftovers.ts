import { readdirSync, rmdirSync, rmSync } from "node:fs";
import path from "node:path";
import { command } from "../../lab/command.ts";
import { processes, type Scope, settledLeftovers, shimSocketPath } from "../../lab/leftovers.ts";
import { until } from "../../lab/until.ts";
import { unmountAll } from "../../src/client/mounts.ts";

/** What belongs to one case. */
export type Traces = Scope;

const RUNC_DIR = "/run/containerd/runc";
const CGROUP_DIR = "/sys/fs/cgroup";

/**
 * What containers of a case have left, once what ends by itself has ended: processes, mounts, sockets, pipes,
 * state of the OCI runtime, cgroups. The case's own directory is no leftover.
 */
export function leftovers(traces: Traces, excused = (_: string) => false): Promise<string[]> {
  return settledLeftovers(traces, [], (line) => line.startsWith("directory ") || excused(line));
}

/** Removes what a shim has left, so that it is not in the way of other cases. */
export async function removeByForce(traces: Traces): Promise<void> {
  const root = path.join(RUNC_DIR, traces.namespace);
  for (const id of namesIn(root)) await command("runc", ["--root", root, "delete", "--force", id]);
  await until("the processes of the case to end", () => {
    const left = processes(traces);
    for (const { pid } of left) kill(pid);
    return left.every(({ state }) => state === "D") ? true : undefined;
  });
  for (const dir of traces.roots) await unmountAll(dir);
  for (const id of traces.ids) rmSync(shimSocketPath(traces, id), { force: true });
  rmSync(root, { recursive: true, force: true });
}

/** Removes the directories that shims and OCI runtimes make once for a namespace, and leave. */
export function removeNamespace(namespace: string): void {
  const groups = ["", ...namesIn(CGROUP_DIR)].map((hierarchy) => path.join(CGROUP_DIR, hierarchy));
  for (const parent of [RUNC_DIR, ...groups]) {
    const dir = path.join(parent, namespace);
    for (const name of namesIn(dir)) removeIfEmpty(path.join(dir, name));
    removeIfEmpty(dir);
  }
}

function removeIfEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch {
    // No directory, or something is left in it, which has been told of.
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
