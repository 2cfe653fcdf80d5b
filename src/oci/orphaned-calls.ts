import fs from "node:fs";
import { sleep } from "../base/deadline.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { allProcesses, isLive, isSameLiveProcess, type RunningProcess } from "../linux/process-stat.ts";

/** How soon it is looked again whether the killed ones have gone, at first and later, in milliseconds. */
const PAUSE = { firstMs: 1, lastMs: 50 };

/** The commands that make something. Others, `delete` with its hooks above all, had better come to their end. */
const MAKING = new Set(["create", "restore", "run", "start", "exec"]);

/**
 * Kills the calls of the OCI runtime by which a shim that has died was making something in a bundle, and what they have
 * started: a `create` would go on, and make a container that nobody asks for any more in a rootfs that is being taken
 * from it. Calls of shims that live are left alone. Resolves to whether there were any; `deadlineExceeded` where some
 * were killed and have not ended in time.
 */
export async function killOrphanedCalls(bundle: string, limitMs: number): Promise<boolean> {
  const giveUp = performance.now() + limitMs;
  const found = new Map<number, RunningProcess>();
  for (let pause = PAUSE.firstMs; ; pause = Math.min(2 * pause, PAUSE.lastMs)) {
    stopAll(bundle, found);
    const left = [...found.values()].filter(({ pid, startTime }) => isSameLiveProcess(pid, startTime));
    if (left.length === 0) return found.size > 0;
    for (const { pid } of left) signal(pid, "SIGKILL");
    if (performance.now() >= giveUp) {
      const pids = left.map(({ pid }) => pid).join(", ");
      const message = `pids ${pids} were killed and have not ended within ${limitMs} ms`;
      throw new StatusError(StatusCode.deadlineExceeded, message);
    }
    await sleep(pause);
  }
}

/** Stops them, so that none starts what nobody knows of, until a look finds no more. */
function stopAll(bundle: string, found: Map<number, RunningProcess>): void {
  for (;;) {
    const more = orphansOf(bundle).filter(({ pid }) => !found.has(pid));
    if (more.length === 0) return;
    for (const one of more) {
      signal(one.pid, "SIGSTOP");
      found.set(one.pid, one);
    }
  }
}

/** The calls, and all that descend from them. */
function orphansOf(bundle: string): RunningProcess[] {
  const all = allProcesses();
  const live = new Set(all.filter(isLive).map(({ pid }) => pid));
  // Each shim leads a session, in which its calls are. Few processes are in a session without a leader, and of those
  // alone more is read: the kernel makes who reads a command line wait where that process waits for a disk.
  const calls = all.filter((one) => isLive(one) && !live.has(one.session) && isMakingIn(bundle, one));
  const found = new Set(calls.map(({ pid }) => pid));
  // Who descends from whom is known when a round adds none.
  for (let count = 0; count < found.size; ) {
    count = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.filter((one) => found.has(one.pid) && isLive(one));
}

/** Every call of the runtime for a container logs in its bundle, and nothing else is told to do so. The id comes last. */
function isMakingIn(bundle: string, { pid }: RunningProcess): boolean {
  const words = wordsOf(pid);
  const at = words.indexOf("--log");
  const logs = at > 0 && words[at + 1]?.startsWith(`${bundle}/`) === true;
  return logs && words.slice(at + 2, -1).some((word) => MAKING.has(word));
}

function wordsOf(pid: number): string[] {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
  } catch {
    return [];
  }
}

function signal(pid: number, name: "SIGSTOP" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
