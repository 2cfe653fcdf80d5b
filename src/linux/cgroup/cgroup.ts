import fs from "node:fs";
import path from "node:path";
import { type CgroupDirs, cgroupDirsOf, readNow } from "./dirs.ts";

/** The v1 controllers by which a container's processes are looked for: those that runc always joins. */
const V1_CONTROLLERS = ["devices", "pids", "freezer", "memory"];

/** The directory by which the processes of control groups are found: on v1 any one that runc always uses. */
export function processesDir(dirs: CgroupDirs): string | undefined {
  if (dirs.version === 2) return dirs.unified;
  const controller = V1_CONTROLLERS.find((name) => dirs.controllers[name] !== undefined);
  return controller && dirs.controllers[controller];
}

/**
 * The directory of the control group that a process is in, or undefined where the process is gone or in no
 * group of its own. On v1 any one hierarchy that runc uses; on v2 the only one.
 */
export function cgroupOf(pid: number): string | undefined {
  const dirs = cgroupDirsOf(pid);
  return dirs && processesDir(dirs);
}

/** The pids in a control group and the groups below it, ascending; none when it is gone. */
export function cgroupPids(dir: string): number[] {
  const own = (readNow(path.join(dir, "cgroup.procs")) ?? "").split("\n").filter((line) => line !== "");
  const below = subdirectories(dir).flatMap((name) => cgroupPids(path.join(dir, name)));
  return [...new Set([...own.map(Number), ...below])].sort((a, b) => a - b);
}

function subdirectories(dir: string): string[] {
  try {
    const entries = fs.readdirSync(dir, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return [];
  }
}
