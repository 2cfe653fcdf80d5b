import fs from "node:fs";
import path from "node:path";
import { sleep } from "../base/deadline.ts";
import { fsError } from "../linux/errno.ts";
import { fdinfoField } from "../linux/fdinfo.ts";
import { takeByte } from "../linux/fifo.ts";
import { O_PATH } from "../linux/libc.ts";
import { mayHaveHooks, readKeptState } from "./kept-state.ts";

/** The init of a created container, which waits for its start. */
export interface WaitingInit {
  readonly pid: number;
  /** Settles when it has ended. */
  readonly ended: Promise<unknown>;
}

/** How a start is made. */
export interface InitStart {
  /** The directory in which the runtime keeps the state of the container: `<root>/<id>`. */
  readonly stateDirectory: string;
  readonly init: WaitingInit;
  readonly signal: AbortSignal | undefined;
  /** Calls `runc start`, which does the same, or says what is wrong; ends it where the signal aborts. */
  readonly callRuntime: (signal?: AbortSignal) => Promise<unknown>;
}

/** How soon an init goes on that can, in milliseconds: a thousand times what it takes. */
const SOON_MS = 1_000;
/** So many looks are made at once, and how long the pauses are between those that follow, in milliseconds. */
const LOOKS_AT_ONCE = 4;
const LONGEST_PAUSE_MS = 16;

/**
 * Has an init that `runc create` has made go on to the user's program, as `runc start` does: the init waits until
 * somebody opens `exec.fifo` in the container's state for reading, writes a byte to it and goes on, and a container
 * whose fifo is gone is one that runs (libcontainer/container_linux.go and standard_init_linux.go of runc 1.0 and
 * later). Starting a program for that would take 8 ms, and as much of a processor.
 *
 * That program is called all the same, and false returned, where nothing of the kind waits, where it has more to do
 * (poststart hooks, which runc after 1.5 runs at the start), and where the init does not go on at once: one that is
 * frozen, or has ended, is runc's to tell. Our end of the fifo stays open meanwhile, and is looked at, for an init that
 * is only slow: it may have written before that program came to open the fifo, which then waits for a writer that
 * never comes.
 */
export async function startInit(start: InitStart): Promise<boolean> {
  const { stateDirectory, init, callRuntime } = start;
  const fifo = path.join(stateDirectory, "exec.fifo");
  const fd = hasMoreToDo(stateDirectory) ? undefined : openFifo(fifo, init.pid);
  try {
    if (fd === undefined) {
      await callRuntime();
      return false;
    }
    if (!(await hasGoneOn(fd, start)) && !(await goesOnBeside(fd, callRuntime))) return false;
    remove(fifo);
    return true;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** Whether a start is more than to let the init go, or may be, by what `runc start` itself reads. */
function hasMoreToDo(stateDirectory: string): boolean {
  const state = readKeptState(stateDirectory);
  return state === undefined || mayHaveHooks(state, "poststart");
}

/** Opens the fifo, waiting for nobody (fifo(7)); undefined where it is none that an init of runc writes to. */
function openFifo(fifo: string, pid: number): number | undefined {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = fs.constants;
  try {
    const stats = fs.lstatSync(fifo, { bigint: true });
    if (!stats.isFIFO() || !isNamedBy(pid, stats)) return undefined;
    return fs.openSync(fifo, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  } catch {
    return undefined;
  }
}

/**
 * Whether a process has a descriptor that names this fifo and is not open on it. It tells runc's init from all others
 * that have a file of this name, such as crun's, whose init reads from it.
 */
function isNamedBy(pid: number, { dev, ino }: fs.BigIntStats): boolean {
  return fs.readdirSync(`/proc/${pid}/fd`).some((fd) => {
    // In this order: what else it has open may be on a disk that hangs.
    const flags = Number.parseInt(fdinfoField(pid, fd, "flags") ?? "0", 8);
    if ((flags & O_PATH) === 0) return false;
    const stats = fs.statSync(`/proc/${pid}/fd/${fd}`, { throwIfNoEntry: false, bigint: true });
    return stats?.ino === ino && stats.dev === dev;
  });
}

/** Whether the init writes its byte soon; false where it does not, or has ended without. */
function hasGoneOn(fd: number, { init, signal }: InitStart): Promise<boolean> {
  let hasEnded = false;
  const note = () => {
    hasEnded = true;
  };
  init.ended.then(note, note);
  const giveUp = performance.now() + SOON_MS;
  return comesBefore(
    fd,
    () => hasEnded || performance.now() >= giveUp,
    async (looks) => {
      if (looks < LOOKS_AT_ONCE) await new Promise((resolve) => setImmediate(resolve));
      else await sleep(Math.min(2 ** (looks - LOOKS_AT_ONCE), LONGEST_PAUSE_MS), signal);
    },
  );
}

/**
 * Calls the runtime, and resolves when it has started the init (false), or when that has gone on by itself (true), and
 * the call has ended. Throws what the call fails with where the init has not gone on.
 */
async function goesOnBeside(fd: number, callRuntime: InitStart["callRuntime"]): Promise<boolean> {
  const stop = new AbortController();
  let isOver = false;
  const called = callRuntime(stop.signal);
  const settled = called
    .catch(() => {})
    .then(() => {
      isOver = true;
    });
  const pause = () => Promise.race([settled, sleep(LONGEST_PAUSE_MS)]);
  if (await comesBefore(fd, () => isOver, pause)) {
    stop.abort();
    await settled;
    return true;
  }
  await called;
  return false;
}

/** Whether a byte comes before something is over; it is looked for once more when that is so. */
async function comesBefore(
  fd: number,
  isOver: () => boolean,
  pause: (looks: number) => Promise<void>,
): Promise<boolean> {
  for (let looks = 1; ; looks += 1) {
    // Asked before the look: the init may write and end after one.
    const isLast = isOver();
    if (hasByte(fd)) return true;
    if (isLast) return false;
    await pause(looks);
  }
}

/** There is nothing as long as nobody has it open for writing, and as long as who has writes nothing. */
function hasByte(fd: number): boolean {
  try {
    return takeByte(fd) === 1;
  } catch (err) {
    throw fsError("read the init's fifo", err);
  }
}

function remove(fifo: string): void {
  try {
    fs.rmSync(fifo, { force: true });
  } catch (err) {
    throw fsError(`remove ${fifo}`, err);
  }
}
