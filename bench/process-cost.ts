import { readFileSync } from "node:fs";
import { statFields } from "../src/linux/process-stat.ts";

/** Clock ticks of a second, as the kernel tells times to all programs (USER_HZ). */
const TICKS = 100;
const KIB = 1024;

/** What a process has of the machine's memory, in bytes. */
export interface Memory {
  /** Each page by the part of it that falls to this process. */
  readonly pss: number;
  /** What of that is in no file. */
  readonly anonymous: number;
  /** What was written to by this process alone. */
  readonly privateDirty: number;
}

/** The memory of a process now. Throws where there is none. */
export function memoryOf(pid: number): Memory {
  return parseMemory(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
}

/** Reads `/proc/[pid]/smaps_rollup`. */
export function parseMemory(text: string): Memory {
  const bytes = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(text)?.[1]) * KIB;
  return { pss: bytes("Pss"), anonymous: bytes("Pss_Anon"), privateDirty: bytes("Private_Dirty") };
}

/** Seconds of processor time that a process has taken, without its children. Throws where there is none. */
export function cpuSeconds(pid: number): number {
  const [user = 0, system = 0] = times(pid);
  return (user + system) / TICKS;
}

/** The same with all children that it has waited for, and theirs. */
export function cpuSecondsOfAll(pid: number): number {
  return times(pid).reduce((sum, ticks) => sum + ticks, 0) / TICKS;
}

/** Its own ticks in user space and in the kernel, then those of its children (proc(5), fields 14 to 17). */
function times(pid: number): number[] {
  return statFields(readFileSync(`/proc/${pid}/stat`, "utf8"))
    .slice(11, 15)
    .map(Number);
}
