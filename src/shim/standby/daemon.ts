import { isSameLiveProcess, readProcessStat } from "../../linux/process-stat.ts";

/** The process that calls `start`, told from a later one with the same pid by when it began. */
export interface Daemon {
  readonly pid: number;
  readonly startTime: number;
}

/** Who has called this program; undefined where that has gone since. */
export function callingDaemon(): Daemon | undefined {
  const pid = process.ppid;
  const stat = readProcessStat(pid);
  return stat && { pid, startTime: stat.startTime };
}

/** A daemon as a word on a command line. */
export function daemonWord({ pid, startTime }: Daemon): string {
  return `${pid}:${startTime}`;
}

/** Reads what {@link daemonWord} makes, with blanks behind it or none; undefined where it is nothing such. */
export function parseDaemon(word: string): Daemon | undefined {
  const [, pid, startTime] = /^(\d+):(\d+) *$/.exec(word) ?? [];
  return startTime === undefined ? undefined : { pid: Number(pid), startTime: Number(startTime) };
}

/** Whether the daemon goes on. Where that cannot be told it does. */
export function lives({ pid, startTime }: Daemon): boolean {
  try {
    return isSameLiveProcess(pid, startTime);
  } catch {
    return true;
  }
}
