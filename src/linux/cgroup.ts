import fs from "node:fs";
import path from "node:path";

/** Where the file systems of control groups are mounted (cgroups(7)). */
const CGROUP_ROOT = "/sys/fs/cgroup";

/** The v1 controllers by which a container's group is looked for: those that runc always joins. */
const V1_CONTROLLERS = ["devices", "pids", "freezer", "memory"];

/**
 * The directory of the control group that a process is in, or undefined where the process is gone or in no
 * group of its own. On v1 any one hierarchy that runc uses; on v2 the only one. Source: cgroups(7),
 * `/proc/[pid]/cgroup`.
 */
export function cgroupOf(pid: number): string | undefined {
  const lines = readLines(`/proc/${pid}/cgroup`).map((line) => line.split(":"));
  for (const controller of V1_CONTROLLERS) {
    const line = lines.find(([, names]) => names?.split(",").includes(controller));
    const dir = line === undefined ? undefined : inRoot(path.join(CGROUP_ROOT, controller), line);
    if (dir !== undefined) return dir;
  }
  const unified = lines.find(([hierarchy]) => hierarchy === "0");
  return unified === undefined ? undefined : inRoot(CGROUP_ROOT, unified);
}

function inRoot(root: string, [, , ...rest]: readonly string[]): string | undefined {
  const group = rest.join(":");
  if (group === "" || group === "/" || group.startsWith("/..")) return undefined;
  const dir = path.join(root, group);
  return fs.existsSync(path.join(dir, "cgroup.procs")) ? dir : undefined;
}

/** The pids in a control group and the groups below it, ascending; none when it is gone. */
export function cgroupPids(dir: string): number[] {
  const own = readLines(path.join(dir, "cgroup.procs")).map(Number);
  const below = subdirectories(dir).flatMap((name) => cgroupPids(path.join(dir, name)));
  return [...new Set([...own, ...below])].sort((a, b) => a - b);
}

function subdirectories(dir: string): string[] {
  try {
    const entries = fs.readdirSync(dir, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return [];
  }
}

function readLines(file: string): string[] {
  try {
    return fs
      .readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    return [];
  }
}
