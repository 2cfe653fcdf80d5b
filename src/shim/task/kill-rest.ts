import fs from "node:fs";
import path from "node:path";
import { deadline, sleep } from "../../base/deadline.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { cgroupPids, processesDir } from "../../linux/cgroup/cgroup.ts";
import type { CgroupDirs } from "../../linux/cgroup/dirs.ts";
import { freeze, thaw } from "../../linux/cgroup/freeze.ts";

/** How often it is looked whether the killed are gone, in milliseconds; each look kills what is there still. */
const LOOK_MS = 5;

/** What part of the time may go by before processes that do not freeze are killed as they run. */
const FREEZE_PART = 4;

/**
 * Kills every process of a container's control groups, without the OCI runtime; resolves when none is left. Rejects
 * with `deadlineExceeded` where one is still there after `limitMs`, and with `failedPrecondition` where this process
 * is one of them: those groups are no container's.
 */
export async function killRest(cgroup: CgroupDirs, limitMs: number): Promise<void> {
  const dir = processesDir(cgroup);
  if (dir === undefined) return;
  const { signal, cleanup } = deadline(limitMs, `the end of the processes in ${dir}`);
  try {
    while (othersIn(dir).length > 0) {
      if (!killAtOnce(cgroup)) await killFrozen(cgroup, dir, limitMs / FREEZE_PART);
      await sleep(LOOK_MS, signal);
    }
  } finally {
    cleanup();
  }
}

function othersIn(dir: string): number[] {
  const pids = cgroupPids(dir);
  if (!pids.includes(process.pid)) return pids;
  throw new StatusError(StatusCode.failedPrecondition, `${dir} is not a group of the container's own`);
}

/** The kernel's own way, which misses no fork, where it has one: cgroup v2 since Linux 5.14. */
function killAtOnce(cgroup: CgroupDirs): boolean {
  if (cgroup.version !== 2) return false;
  try {
    fs.writeFileSync(path.join(cgroup.unified, "cgroup.kill"), "1", { flag: "r+" });
    return true;
  } catch {
    return false;
  }
}

/** What is frozen forks no more, and a pid read then is of no other process later. It dies when it is thawed. */
async function killFrozen(cgroup: CgroupDirs, dir: string, freezeMs: number): Promise<void> {
  const { signal, cleanup } = deadline(freezeMs, `freezing ${dir}`);
  try {
    // Where that cannot be they are killed as they run, and what they fork meanwhile at the next look.
    await freeze(cgroup, signal).catch(() => {});
    for (const pid of othersIn(dir)) killOne(pid);
  } finally {
    cleanup();
    thawIfThere(cgroup);
  }
}

/** Thaws the processes of control groups. Nothing where the groups are gone, or have no freezer. */
export function thawIfThere(cgroup: CgroupDirs): void {
  try {
    thaw(cgroup);
  } catch {
    // The group is gone, with all its processes, or has no freezer.
  }
}

function killOne(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended since the look.
  }
}
