/** Who made what lies in a directory: told by a file there, so that what a killed process left is known as such. */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { readProcessStat } from "../src/linux/process-stat.ts";

const NAME = "ebb-owner";
/** A directory that names no owner and is younger than this may just be in the making. */
const UNNAMED_MS = 15 * 60_000;
/** The bit of signal 9 in the masks of /proc/[pid]/status. */
const SIGKILL_BIT = 1n << 8n;

/** Names this process as the owner of a directory and of what is made in it. */
export function claim(directory: string): void {
  const startTime = readProcessStat(process.pid)?.startTime ?? 0;
  writeFileSync(path.join(directory, NAME), `${process.pid} ${startTime}\n`);
}

/** Takes the name away again, as the last thing in the directory. Repeatable. */
export function disclaim(directory: string): void {
  rmSync(path.join(directory, NAME), { force: true });
}

/** Whether the directory names an owner, dead or alive. */
export function isClaimed(directory: string): boolean {
  return existsSync(path.join(directory, NAME));
}

/** Whether somebody may still use what is in the directory. A process that is being killed uses nothing any more. */
export function hasLiveOwner(directory: string): boolean {
  const [pid = 0, startTime = 0] = readOr(path.join(directory, NAME)).split(" ").map(Number);
  if (pid === 0) return Date.now() - changedAt(directory) < UNNAMED_MS;
  const stat = readProcessStat(pid);
  return stat?.startTime === startTime && !["Z", "X"].includes(stat.state) && !isBeingKilled(pid);
}

/** Whether SIGKILL is on its way to a process that sleeps in the kernel, where it takes no signal. */
function isBeingKilled(pid: number): boolean {
  const masks = readOr(`/proc/${pid}/status`).matchAll(/^(?:Sig|Shd)Pnd:\s*([0-9a-f]+)$/gm);
  return [...masks].some(([, mask]) => (BigInt(`0x${mask}`) & SIGKILL_BIT) !== 0n);
}

function changedAt(directory: string): number {
  return statSync(directory, { throwIfNoEntry: false })?.ctimeMs ?? 0;
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
