import { isSameLiveProcess, readProcessStat } from "../../linux/process-stat.ts";

/** A process, told from a later one with the same pid by when it began. */
export interface NamedProcess {
  readonly pid: number;
  readonly startTime: number;
}

/** The process that has this pid now; undefined where none has. */
export function namedProcess(pid: number): NamedProcess | undefined {
  const stat = readProcessStat(pid);
  return stat && { pid, startTime: stat.startTime };
}

/** A process as a word of a command line or of a file's name. */
export function wordOf({ pid, startTime }: NamedProcess): string {
  return `${pid}:${startTime}`;
}

/** Reads what {@link wordOf} makes, with blanks behind it or none; undefined where it is nothing such. */
export function parseWord(word: string): NamedProcess | undefined {
  const [, pid, startTime] = /^(\d+):(\d+) *$/.exec(word) ?? [];
  return startTime === undefined ? undefined : { pid: Number(pid), startTime: Number(startTime) };
}

/** Whether the process goes on. Where that cannot be told it does. */
export function lives({ pid, startTime }: NamedProcess): boolean {
  try {
    return isSameLiveProcess(pid, startTime);
  } catch {
    return true;
  }
}
