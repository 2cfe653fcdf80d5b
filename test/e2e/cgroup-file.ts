import { readFileSync } from "node:fs";

/** A file of a control group: in which hierarchy it is where there are several (version 1), and its two names. */
interface CgroupFile {
  readonly controller: string;
  readonly v1: string;
  readonly v2: string;
}

/** Reads a file of the control group of a process, by whichever version of the interface the host has. */
export function readCgroupFile(pid: number, { controller, v1, v2 }: CgroupFile): string {
  const groups = readFileSync(`/proc/${pid}/cgroup`, "utf8");
  const [, group] = new RegExp(`^\\d+:${controller}:(.*)$`, "m").exec(groups) ?? [];
  if (group !== undefined) return readFileSync(`/sys/fs/cgroup/${controller}${group}/${v1}`, "utf8").trim();
  const [, unified] = /^0::(.*)$/m.exec(groups) ?? [];
  return readFileSync(`/sys/fs/cgroup${unified}/${v2}`, "utf8").trim();
}

/** Whether the kernel has the control group of a process frozen. */
export function isFrozen(pid: number): boolean {
  const file = { controller: "freezer", v1: "freezer.state", v2: "cgroup.events" };
  return /^(FROZEN|frozen 1)$/m.test(readCgroupFile(pid, file));
}
