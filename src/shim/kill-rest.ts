import fs from "node:fs";
import path from "node:path";
import { deadline, sleep } from "../base/deadline.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { cgroupPids } from "../linux/cgroup.ts";

/** How often it is looked whether the killed are gone, in milliseconds; each look kills what was forked since. */
const LOOK_MS = 5;

/**
 * Kills every process of a control group, without the OCI runtime; resolves when none is left. Rejects with
 * `deadlineExceeded` where one is still there after `limitMs`, and with `failedPrecondition` where this process
 * is one of them: that group is no container's.
 */
export async function killRest(cgroup: string, limitMs: number): Promise<void> {
  const { signal, cleanup } = deadline(limitMs, `the end of the processes in ${cgroup}`);
  try {
    for (let pids = othersIn(cgroup); pids.length > 0; pids = othersIn(cgroup)) {
      killAll(cgroup, pids);
      await sleep(LOOK_MS, signal);
    }
  } finally {
    cleanup();
  }
}

function othersIn(cgroup: string): number[] {
  const pids = cgroupPids(cgroup);
  if (!pids.includes(process.pid)) return pids;
  throw new StatusError(StatusCode.failedPrecondition, `${cgroup} is not a group of the container's own`);
}

/** The kernel's own way where it has one (cgroup v2 since 5.14), which misses no fork. */
function killAll(cgroup: string, pids: readonly number[]): void {
  try {
    fs.writeFileSync(path.join(cgroup, "cgroup.kill"), "1", { flag: "r+" });
  } catch {
    for (const pid of pids) killOne(pid);
  }
}

function killOne(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended since the look.
  }
}
