import fs from "node:fs";
import { hasCode, StatusCode } from "../base/status.ts";
import { fsError } from "./errno.ts";

/** A flag of the kernel's (include/linux/sched.h). */
const PF_EXITING = 4;

/** What tells one process from a later one with the same pid, and whether it is still at work. */
export interface ProcessStat {
  /** `R`, `S`, `D`, `Z`, … (proc(5)). */
  readonly state: string;
  readonly parent: number;
  /** The pid of who leads the session, or has led it; 0 where that is outside of our pid namespace. */
  readonly session: number;
  /** Whether its first thread is on its way out: from the moment it acts on what kills it until it is a zombie. */
  readonly isExiting: boolean;
  /** Clock ticks since boot. */
  readonly startTime: number;
}

/**
 * The fields of `/proc/[pid]/stat` from the third on, the state; the name before it may hold blanks and parentheses, so
 * they count from its last `)`.
 */
export function statFields(text: string): string[] {
  return text
    .slice(text.lastIndexOf(")") + 2)
    .trim()
    .split(" ");
}

/** Parses `/proc/[pid]/stat`. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const fields = statFields(text);
  const [state = "", parent = "", , session = "", , , flags = ""] = fields;
  const startTime = Number(fields[19]);
  if (state === "" || !Number.isInteger(startTime)) return undefined;
  return {
    state,
    parent: Number(parent),
    session: Number(session),
    isExiting: (Number(flags) & PF_EXITING) !== 0,
    startTime,
  };
}

/** The stat of a living or zombie process; undefined where there is none. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  return readStat(`/proc/${pid}/stat`);
}

function readStat(file: string): ProcessStat | undefined {
  try {
    return parseProcessStat(fs.readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/** A process by its pid. */
export interface RunningProcess extends ProcessStat {
  readonly pid: number;
}

/** All processes, zombies included, in the order of their pids. */
export function allProcesses(): RunningProcess[] {
  const pids = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).flatMap((pid) => {
    const stat = readProcessStat(pid);
    return stat === undefined ? [] : [{ pid, ...stat }];
  });
}

/** The words of a process's command line; none where it has none any more, or never had. */
export function commandLineOf(pid: number): string[] {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
  } catch {
    return [];
  }
}

/** As {@link readStat}, but an error where it cannot be read for another reason than that there is no such process. */
function readStatSurely(file: string): ProcessStat | undefined {
  try {
    return parseProcessStat(fs.readFileSync(file, "utf8"));
  } catch (thrown) {
    const err = fsError(`read ${file}`, thrown);
    if (hasCode(err, StatusCode.notFound)) return undefined;
    throw err;
  }
}

/**
 * Whether the process that had this pid and start time still lives, in any of its threads: the first thread of
 * a process can be a zombie while another still sleeps in the kernel and holds what the process held. Where that
 * cannot be read it is an error: a process that lives must not pass for one that has ended.
 */
export function isSameLiveProcess(pid: number, startTime: number): boolean {
  const stat = readStatSurely(`/proc/${pid}/stat`);
  if (stat?.startTime !== startTime) return false;
  return isLive(stat) || threadsOf(pid).some(isLive);
}

/** Whether a process, or a thread, has not ended yet. */
export function isLive({ state }: ProcessStat): boolean {
  return state !== "Z" && state !== "X";
}

/**
 * The pids of a process, which may be a zombie, in each pid namespace that it is in, its own the last (proc(5),
 * `NSpid`); none where there is no such process.
 */
export function namespacePids(pid: number): number[] {
  try {
    const status = fs.readFileSync(`/proc/${pid}/status`, "utf8");
    return (/^NSpid:\t(.*)$/m.exec(status)?.[1] ?? "").split("\t").map(Number);
  } catch {
    return [];
  }
}

/** Whether a process is the init of its pid namespace: the kernel kills all others in there when it ends. */
export function isNamespaceInit(pid: number): boolean {
  return namespacePids(pid).at(-1) === 1;
}

function threadsOf(pid: number): ProcessStat[] {
  try {
    return fs
      .readdirSync(`/proc/${pid}/task`)
      .flatMap((thread) => readStat(`/proc/${pid}/task/${thread}/stat`) ?? []);
  } catch {
    return [];
  }
}

/** The children of this process, those included that it was given as a subreaper (proc(5), `children`). */
export function ownChildren(): number[] {
  return childrenOf("self");
}

/** The children of a process; none where there is no such process. */
export function childrenOf(process: number | "self"): number[] {
  const tasks = `/proc/${process}/task`;
  const threads = fs.existsSync(tasks) ? fs.readdirSync(tasks) : [];
  return threads.flatMap((thread) => readPids(`${tasks}/${thread}/children`));
}

function readPids(file: string): number[] {
  try {
    return fs
      .readFileSync(file, "utf8")
      .split(" ")
      .filter((word) => word !== "")
      .map(Number);
  } catch {
    return [];
  }
}
