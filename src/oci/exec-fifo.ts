import fs from "node:fs";
import path from "node:path";
import { read } from "../base/file-calls.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { O_PATH } from "../linux/libc.ts";

/** What waits where for its start. */
export interface WaitingInit {
  /** The directory in which the runtime keeps the state of the container: `<root>/<id>`. */
  readonly stateDirectory: string;
  readonly pid: number;
  /** Settles when it has ended. */
  readonly ended: Promise<unknown>;
  /** How long it may take to go on once it is let go, in milliseconds. */
  readonly limitMs: number;
}

/**
 * Lets an init that `runc create` has made go on to the user's program, as `runc start` does: the init waits until
 * somebody opens `exec.fifo` in the container's state for reading, writes a byte to it and goes on, and a container
 * whose fifo is gone is one that runs (libcontainer/container_linux.go and standard_init_linux.go of runc 1.0 and later).
 * Starting a program for that would take 8 ms, and as much of a processor.
 *
 * False where nothing of the kind waits, or it has ended instead: to do it, or to say what is wrong, is up to
 * `runc start` then. An init that does not go on in time is `deadlineExceeded`.
 */
export async function letInitGo(init: WaitingInit): Promise<boolean> {
  const fifo = path.join(init.stateDirectory, "exec.fifo");
  const fd = openFifo(fifo, init.pid);
  if (fd === undefined) return false;
  try {
    if (!(await wroteByte(fd, init))) return false;
    fs.rmSync(fifo, { force: true });
    return true;
  } finally {
    fs.closeSync(fd);
  }
}

/** Opens both ends, which waits for nobody (fifo(7)), so that a read waits for the init, also for one that comes later. */
function openFifo(fifo: string, pid: number): number | undefined {
  try {
    const stats = fs.lstatSync(fifo, { bigint: true });
    if (!stats.isFIFO() || !isNamedBy(pid, stats)) return undefined;
    return fs.openSync(fifo, fs.constants.O_RDWR | fs.constants.O_NOFOLLOW);
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
    const stats = fs.statSync(`/proc/${pid}/fd/${fd}`, { throwIfNoEntry: false, bigint: true });
    return stats?.ino === ino && stats.dev === dev && (flagsOf(pid, fd) & O_PATH) !== 0;
  });
}

/** The flags of a process's descriptor, proc_pid_fdinfo(5). */
function flagsOf(pid: number, fd: string): number {
  const [, flags = "0"] =
    /^flags:\s+(\d+)$/m.exec(fs.readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8")) ?? [];
  return Number.parseInt(flags, 8);
}

/** Written to the fifo to end the read of it; what the init writes is no such byte. */
const NOTHING_CAME = 0;

/** Whether the init has written its byte, which a thread waits for; false where it has ended without. */
async function wroteByte(fd: number, { ended, limitMs }: WaitingInit): Promise<boolean> {
  let isReading = true;
  const endReading = () => {
    if (isReading) fs.writeSync(fd, new Uint8Array([NOTHING_CAME]));
  };
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    endReading();
  }, limitMs);
  // Behind the byte of one that has written and ended, which so comes first.
  ended.then(endReading, endReading);
  const byte = new Uint8Array(1);
  try {
    await read(fd, byte, 0, 1);
  } finally {
    isReading = false;
    clearTimeout(timer);
  }
  if (byte[0] !== NOTHING_CAME) return true;
  if (!isLate) return false;
  const message = `OCI runtime start failed: the init has not gone on for ${limitMs} ms`;
  throw new StatusError(StatusCode.deadlineExceeded, message);
}
