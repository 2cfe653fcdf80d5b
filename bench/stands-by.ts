import { readFileSync } from "node:fs";

/** Whether a process is a shim of ours that waits for another container, by its command line. */
export function standsBy(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes("standby");
  } catch {
    return false;
  }
}
