import fs from "node:fs";
import path from "node:path";
import { sleep } from "../base/deadline.ts";
import { errnoOf } from "../base/files.ts";
import { StatusCode, StatusError } from "../base/status.ts";

/** What waits where for its start. */
export interface WaitingInit {
  /** The directory in which runc keeps the state of the container: `<root>/<id>`. */
  readonly stateDirectory: string;
  /** Settles when the init has ended. */
  readonly ended: Promise<unknown>;
  /** How long it may take to go on once it is let go, in milliseconds. */
  readonly limitMs: number;
}

/** How long to pause between two looks, in milliseconds: an init goes on within a few hundredths of the first. */
const PAUSE_MS = { first: 0, longest: 10 };

/**
 * Lets an init that `runc create` has made go on to the user's program, as `runc start` does: the init waits until
 * somebody opens `exec.fifo` in the container's state, to write a byte to it, and a container whose fifo is gone is one
 * that runs (libcontainer/container_linux.go and standard_init_linux.go; so since runc 1.0, 2016). Starting a program
 * for that would take 8 ms, and as much of a processor.
 *
 * False where nothing of the kind waits, or it has ended instead: to do it, or to say what is wrong, is up to
 * `runc start` then. An init that does not go on in time is `deadlineExceeded`.
 */
export async function letInitGo({ stateDirectory, ended, limitMs }: WaitingInit): Promise<boolean> {
  const fifo = path.join(stateDirectory, "exec.fifo");
  // crun has a fifo of the same name, which is written to; what it keeps is not in a file of this name.
  if (!fs.existsSync(path.join(stateDirectory, "state.json"))) return false;
  const fd = openFifo(fifo);
  if (fd === undefined) return false;
  try {
    if (!(await wroteByte(fd, ended, limitMs))) return false;
    fs.rmSync(fifo, { force: true });
    return true;
  } finally {
    fs.closeSync(fd);
  }
}

/** Opens both ends, which waits for nobody (fifo(7)), and has reads wait instead of telling of an end. */
function openFifo(fifo: string): number | undefined {
  const { O_RDWR, O_NONBLOCK, O_NOFOLLOW } = fs.constants;
  let fd: number;
  try {
    fd = fs.openSync(fifo, O_RDWR | O_NONBLOCK | O_NOFOLLOW);
  } catch {
    return undefined;
  }
  if (fs.fstatSync(fd).isFIFO()) return fd;
  fs.closeSync(fd);
  return undefined;
}

/** Whether the init has written its byte; false where it has ended without. */
async function wroteByte(fd: number, ended: Promise<unknown>, limitMs: number): Promise<boolean> {
  let hasEnded = false;
  const note = () => {
    hasEnded = true;
  };
  ended.then(note, note);
  const giveUp = performance.now() + limitMs;
  for (
    let pause = PAUSE_MS.first;
    performance.now() < giveUp;
    pause = Math.min(2 * pause + 1, PAUSE_MS.longest)
  ) {
    // Before the look, as it may write and end after one.
    const last = hasEnded;
    if (hasByte(fd)) return true;
    if (last) return false;
    await (pause === 0 ? new Promise((resolve) => setImmediate(resolve)) : sleep(pause));
  }
  throw new StatusError(
    StatusCode.deadlineExceeded,
    `OCI runtime start failed: the init has not gone on for ${limitMs} ms`,
  );
}

function hasByte(fd: number): boolean {
  try {
    return fs.readSync(fd, new Uint8Array(1)) === 1;
  } catch (err) {
    if (errnoOf(err) === "EAGAIN") return false;
    throw err;
  }
}
