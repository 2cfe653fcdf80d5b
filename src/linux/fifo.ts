import fs from "node:fs";
import { errnoOf } from "../base/files.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { fsError } from "./errno.ts";

/** Two opens of one fifo: the end that the shim keeps, and the end that a process is to inherit. */
export interface FifoEnds {
  readonly keep: number;
  readonly child: number;
}

const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = fs.constants;

/**
 * Opens a fifo for a process to write to. The kept end reads, so that the process meets no broken pipe when its
 * reader goes away for a while, and what it wrote waits. The process's end blocks, as programs expect.
 */
export function openOutputFifo(file: string): FifoEnds {
  return openEnds(file, O_RDONLY, O_WRONLY);
}

/**
 * Opens a fifo for a process to read from. The kept end writes, so that the process does not meet the end of
 * its input before the daemon says so by CloseIO.
 */
export function openInputFifo(file: string): FifoEnds {
  return openEnds(file, O_RDWR, O_RDONLY);
}

/**
 * Whether a path is there and is something else than a fifo. What cannot be looked at cannot be opened either, which
 * says why.
 */
export function isOtherThanFifo(file: string): boolean {
  try {
    return !fs.statSync(file).isFIFO();
  } catch {
    return false;
  }
}

/**
 * Takes a byte from a pipe that was opened not to block. How many there were: 0 at its end, where nobody has it open for
 * writing; undefined where somebody has, and has written none yet.
 */
export function takeByte(fd: number): number | undefined {
  try {
    return fs.readSync(fd, new Uint8Array(1));
  } catch (err) {
    if (errnoOf(err) === "EAGAIN") return undefined;
    throw err;
  }
}

/** The kept end is opened first and without waiting (fifo(7)); with it there, neither does the other wait. */
function openEnds(file: string, keepFlags: number, childFlags: number): FifoEnds {
  const keep = openFifo(file, keepFlags | O_NONBLOCK);
  try {
    // By descriptor, so that both ends are of the same fifo whatever happens to the path meanwhile.
    return { keep, child: fs.openSync(`/proc/self/fd/${keep}`, childFlags) };
  } catch (err) {
    fs.closeSync(keep);
    throw fsError(`open fifo ${file}`, err);
  }
}

function openFifo(file: string, flags: number): number {
  let fd: number;
  try {
    fd = fs.openSync(file, flags);
  } catch (err) {
    throw fsError(`open fifo ${file}`, err);
  }
  if (fs.fstatSync(fd).isFIFO()) return fd;
  fs.closeSync(fd);
  throw new StatusError(StatusCode.invalidArgument, `${file} is not a fifo`);
}
