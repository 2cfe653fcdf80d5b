import fs from "node:fs";
import path from "node:path";
import { StatusCode, StatusError } from "../../base/status.ts";
import { fsError } from "../errno.ts";
import { type MountInfo, readMountInfo } from "../mountinfo.ts";

/**
 * Puts a process into a control group that is there already: on v1 in each hierarchy that has it, on v2 in the only
 * one. `notFound` where none has it. Off the main thread: the kernel waits for all processors.
 */
export async function joinCgroup(pid: number, group: string, mounts = readMountInfo()): Promise<void> {
  // As an absolute path, so that no `..` leads out of the hierarchy.
  const dirs = hierarchies(mounts).map((dir) => path.join(dir, path.resolve("/", group)));
  const own = dirs.filter((dir) => fs.existsSync(path.join(dir, "cgroup.procs")));
  if (own.length === 0) {
    const message = `control group ${group}: there is none at ${dirs.join(", ")}`;
    throw new StatusError(StatusCode.notFound, message);
  }
  for (const dir of own) {
    const file = path.join(dir, "cgroup.procs");
    await fs.promises.writeFile(file, String(pid)).catch((err: unknown) => {
      throw fsError(`write pid ${pid} to ${file}`, err);
    });
  }
}

/** Where hierarchies begin. A host that has v1 ones and a v2 one beside them is one of v1. */
function hierarchies(mounts: readonly MountInfo[]): string[] {
  const whole = mounts.filter(({ root }) => root === "/");
  const v1 = whole.filter(({ type }) => type === "cgroup");
  const used = v1.length > 0 ? v1 : whole.filter(({ type }) => type === "cgroup2");
  return [...new Set(used.map(({ mountPoint }) => mountPoint))];
}
