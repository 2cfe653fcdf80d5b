import fs from "node:fs";
import { sleep } from "../base/deadline.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { allProcesses, isSameLiveProcess, type RunningProcess } from "../linux/process-stat.ts";

/** How soon it is looked again whether the killed ones have gone, at first and later, in milliseconds. */
const PAUSE = { firstMs: 1, lastMs: 50 };

/**
 * Kills the calls of the OCI runtime that a shim which has died has left under way in a bundle, and what they have
 * started: a `create` would go on, and make a container that nobody asks for any more in a rootfs that is being taken
 * from it. Calls of shims, and of `delete` commands, that live are left alone. `deadlineExceeded` where some have not
 * ended in time.
 */
export async function killOrphanedCalls(bundle: string, limitMs: number): Promise<void> {
  const giveUp = performance.now() + limitMs;
  const killed = new Map<number, RunningProcess>();
  for (let pause = PAUSE.firstMs; ; pause = Math.min(2 * pause, PAUSE.lastMs)) {
    for (const one of orphansOf(bundle)) killed.set(one.pid, one);
    const left = [...killed.values()].filter(({ pid, startTime }) => isSameLiveProcess(pid, startTime));
    if (left.length === 0) return;
    if (performance.now() >= giveUp) {
      const pids = left.map(({ pid }) => pid).join(", ");
      const message = `pids ${pids} have not ended within ${limitMs} ms of SIGKILL`;
      throw new StatusError(StatusCode.deadlineExceeded, message);
    }
    for (const { pid } of left) killIfThere(pid);
    await sleep(pause);
  }
}

/** The calls that work on a bundle and have no shim, and all that descend from them. */
function orphansOf(bundle: string): RunningProcess[] {
  const all = allProcesses();
  const found = new Set(all.filter((one) => logsIn(bundle, one) && !hasShim(one)).map(({ pid }) => pid));
  // Who descends from whom is known when a round adds none.
  for (let count = 0; count < found.size; ) {
    count = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.filter(({ pid }) => found.has(pid));
}

/** Every call of the runtime for a container logs in its bundle, and nothing else is told to do so. */
function logsIn(bundle: string, { pid }: RunningProcess): boolean {
  const words = readOr(() => fs.readFileSync(`/proc/${pid}/cmdline`, "utf8")).split("\0");
  const at = words.indexOf("--log");
  return at > 0 && words[at + 1]?.startsWith(`${bundle}/`) === true;
}

/** Whether its parent is of this executable: one that dies has none any more. */
function hasShim({ parent }: RunningProcess): boolean {
  return executableOf(String(parent)) === executableOf("self");
}

/** One that was replaced since it was started is still known by its path. */
function executableOf(pid: string): string {
  return readOr(() => fs.readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, "");
}

function readOr(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
