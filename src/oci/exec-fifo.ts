import fs from "node:fs";
import path from "node:path";
import { read } from "../base/file-calls.ts";
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

/**
 * Lets an init that `runc create` has made go on to the user's program, as `runc start` does: the init waits until
 * somebody opens `exec.fifo` in the container's state, to write a byte to it, and a container whose fifo is gone is one
 * that runs (libcontainer/container_linux.go and standard_init_linux.go; so since runc 1.0, 2016). Starting a program
 * for that would take 8 ms, and as much of a processor.
 *
 * False where nothing of the kind waits, or it has ended instead: to do it, or to say what is wrong, is up to
 * `runc start` then. An init that does not go on in time is `deadlineExceeded`.
 */
export async function letInitGo(init: WaitingInit): Promise<boolean> {
  const { stateDirectory } = init;
  const fifo = path.join(stateDirectory, "exec.fifo");
  // crun has a fifo of the same name, which is written to; what it keeps is not in a file of this name.
  if (!fs.existsSync(path.join(stateDirectory, "state.json"))) return false;
  const fd = openFifo(fifo);
  if (fd === undefined) return false;
  try {
    if (!(await wroteByte(fd, init))) return false;
    fs.rmSync(fifo, { force: true });
    return true;
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Opens both ends, which waits for nobody (fifo(7)): an init that comes later finds a reader, and a read waits for it
 * and is never told of an end.
 */
function openFifo(fifo: string): number | undefined {
  let fd: number;
  try {
    fd = fs.openSync(fifo, fs.constants.O_RDWR | fs.constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  if (fs.fstatSync(fd).isFIFO()) return fd;
  fs.closeSync(fd);
  return undefined;
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
