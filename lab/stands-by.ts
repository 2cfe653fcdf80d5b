import { readFileSync } from "node:fs";

/** Whether a process is a shim of ours that waits for another container, by its command line: it is none's any more. */
export function standsBy(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("\0standby\0-daemon\0");
  } catch {
    return false;
  }
}
