import fs from "node:fs";
import path from "node:path";
import { waitUntilNot } from "../base/poll.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import {
  allProcesses,
  commandLineOf,
  isLive,
  isSameLiveProcess,
  type RunningProcess,
} from "../linux/process-stat.ts";
import { MAKING } from "./making.ts";

/** Options that a value follows, of those that come behind the log (runc-args.ts). */
const VALUED = new Set(["--log-format", "--rootless"]);

/**
 * Kills the calls of the OCI runtime by which a shim that has died was making something in a bundle, and what descends
 * from them: a `create` would go on, and make a container that nobody asks for any more in a rootfs that is being taken
 * from it. Calls of shims that live are left alone. Resolves to whether there were any; `deadlineExceeded` where some
 * were killed and have not ended in time.
 */
export async function killOrphanedCalls(bundle: string, limitMs: number): Promise<boolean> {
  const giveUp = performance.now() + limitMs;
  const found = await stopped(path.resolve(bundle), limitMs);
  let left = found;
  const areLeft = () => {
    left = found.filter(({ pid, startTime }) => isSameLiveProcess(pid, startTime));
    for (const { pid } of left) signal(pid, "SIGKILL");
    return left.length > 0;
  };
  if (await waitUntilNot(areLeft, giveUp - performance.now())) return found.length > 0;
  const pids = left.map(({ pid }) => pid).join(", ");
  const message = `pids ${pids} were killed and have not ended within ${limitMs} ms`;
  throw new StatusError(StatusCode.deadlineExceeded, message);
}

/** Stops them, so that none starts what nobody knows of, until all that are found stand still. */
async function stopped(bundle: string, limitMs: number): Promise<RunningProcess[]> {
  const found = new Map<number, RunningProcess>();
  await waitUntilNot(() => {
    const orphans = orphansOf(bundle);
    for (const one of orphans.filter(({ pid }) => !found.has(pid))) {
      signal(one.pid, "SIGSTOP");
      found.set(one.pid, one);
    }
    return orphans.some(({ state }) => isRunning(state));
  }, limitMs);
  return [...found.values()];
}

/** Whether a process may yet start another: one that was stopped, or waits for a disk, does not. */
function isRunning(state: string): boolean {
  return state === "R" || state === "S";
}

/** The calls, and all that descend from them. */
function orphansOf(bundle: string): RunningProcess[] {
  const all = new Map(allProcesses().map((one) => [one.pid, one]));
  const found = new Set([...all.values()].filter((one) => isOrphan(one, all) && isMakingIn(bundle, one)));
  // Who descends from whom is known when a round adds none.
  for (let count = 0; count < found.size; ) {
    count = found.size;
    for (const one of all.values()) {
      const parent = all.get(one.parent);
      if (parent !== undefined && found.has(parent)) found.add(one);
    }
  }
  return [...found].filter(isLive);
}

/**
 * Whether a process has lost its shim: each shim leads a session, in which its calls are, and both the leader and the
 * parent have gone. Of the few that are so more is read; of all others it is not, as the kernel has who reads a command
 * line wait where that process waits for a disk.
 */
function isOrphan(one: RunningProcess, all: ReadonlyMap<number, RunningProcess>): boolean {
  if (one.session === 0 || !isLive(one) || goesOn(all.get(one.session))) return false;
  const parent = all.get(one.parent);
  return (!goesOn(parent) || parent?.session !== one.session) && isInOwnNamespace(one);
}

/** One that was killed closes its connections, which is what the daemon sees of it, some time before it is a zombie. */
function goesOn(one: RunningProcess | undefined): boolean {
  return one !== undefined && isLive(one) && !one.isExiting;
}

/** In another one a containerd of its own may have a bundle at the same path. */
function isInOwnNamespace({ pid }: RunningProcess): boolean {
  const namespaceOf = (process: string) => fs.readlinkSync(`/proc/${process}/ns/pid`);
  try {
    return namespaceOf(String(pid)) === namespaceOf("self");
  } catch {
    return false;
  }
}

/** Every call of the runtime for a container logs in its bundle, and nothing else is told to do so. */
function isMakingIn(bundle: string, { pid }: RunningProcess): boolean {
  const words = commandLineOf(pid);
  const at = words.indexOf("--log");
  if (at < 0 || words[at + 1]?.startsWith(`${bundle}/`) !== true) return false;
  const rest = words.slice(at + 2);
  const command = rest.find((word, n) => !word.startsWith("-") && !VALUED.has(rest[n - 1] ?? ""));
  return MAKING.has(command ?? "");
}

function signal(pid: number, name: "SIGSTOP" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
