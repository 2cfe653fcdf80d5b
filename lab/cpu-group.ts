import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { cgroupPids } from "../src/linux/cgroup/cgroup.ts";
import { CGROUP_ROOT } from "../src/linux/cgroup/dirs.ts";

/** Where processes are whose own group does not matter; containers have theirs beside it. */
const LEAF = "daemon";

/** Why processor time cannot be counted by group here, or undefined where it can. */
export function whyNoCpuGroup(root = CGROUP_ROOT): string | undefined {
  if (process.getuid?.() !== 0) return "counting processor time by control group needs root";
  return hierarchy(root) === undefined ? `no cpuacct and no cgroup v2 at ${root}` : undefined;
}

/**
 * A control group that counts the processor time of a daemon, of all that it starts, and of the containers whose groups
 * are below it: exactly, whatever has ended meanwhile.
 */
export class CpuGroup {
  readonly #directory: string;

  /** The group of this name, below which the daemon's containers have theirs. */
  constructor(name: string, root = CGROUP_ROOT) {
    this.#directory = path.join(hierarchy(root) ?? root, name);
  }

  /** Counts a process from now on, and what it will start. */
  add(pid: number): void {
    const leaf = path.join(this.#directory, LEAF);
    mkdirSync(leaf, { recursive: true });
    writeFileSync(path.join(leaf, "cgroup.procs"), String(pid));
  }

  /** Who is in it, containers included. */
  pids(): number[] {
    return cgroupPids(this.#directory);
  }

  /** The processor time of all that were in it, user and system, in milliseconds. */
  usedMs(): number {
    const v1 = path.join(this.#directory, "cpuacct.usage");
    if (existsSync(v1)) return Number(readFileSync(v1, "utf8")) / 1e6;
    const stat = readFileSync(path.join(this.#directory, "cpu.stat"), "utf8");
    return Number(/^usage_usec (\d+)$/m.exec(stat)?.[1]) / 1e3;
  }

  /** Removes the group, in which nobody may be any more. A private containerd does that with all that is its own. */
  remove(): void {
    for (const directory of [path.join(this.#directory, LEAF), this.#directory]) rmdirSync(directory);
  }
}

function hierarchy(root: string): string | undefined {
  const v1 = path.join(root, "cpuacct");
  if (existsSync(path.join(v1, "cpuacct.usage"))) return v1;
  return existsSync(path.join(root, "cgroup.controllers")) ? root : undefined;
}
