import { readFile } from "node:fs/promises";
import { waitUntilNot } from "../base/poll.ts";
import { statFields } from "../linux/process-stat.ts";

/** A process that is told from a later one with the same pid by when it started. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot (proc_pid_stat(5), field 22). */
  readonly startTime: string;
}

/** Which process has this pid now; undefined when none does or only a zombie. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const fields = statFields(await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ""));
  const [state] = fields;
  const startTime = fields[19];
  if (startTime === undefined || state === "Z" || state === "X") return undefined;
  return { pid, startTime };
}

/** Whether this very process still runs. */
export async function isRunning(process: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(process.pid))?.startTime === process.startTime;
}

/** Waits until a process is gone (or a zombie), at most `ms` milliseconds; says whether it is. */
export async function waitUntilGone(identity: ProcessIdentity, ms: number): Promise<boolean> {
  return waitUntilNot(() => isRunning(identity), ms);
}

/** Kills a process if it is still this very one, and waits until it is gone, at most `ms` milliseconds. */
export async function killProcess(identity: ProcessIdentity, ms: number): Promise<boolean> {
  if (!(await isRunning(identity))) return true;
  try {
    process.kill(identity.pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
  return waitUntilGone(identity, ms);
}
