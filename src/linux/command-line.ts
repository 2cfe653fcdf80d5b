import fs from "node:fs";
import { statFields } from "./process-stat.ts";

/** Places in {@link statFields} of where the kernel finds a process's arguments (proc_pid_stat(5), `arg_start`). */
const ARG_START = 45;
const ARG_END = 46;

/**
 * Changes what others see as this process's command line (`/proc/PID/cmdline`, ps(1)), in the place where its arguments
 * are. The last word is filled up with blanks. False, and nothing is changed, where the words do not fit, and where the
 * host does not let a process do so: who starts one that is to do this leaves room, by blanks behind the last word.
 */
export function setCommandLine(words: readonly string[]): boolean {
  const stat = statFields(fs.readFileSync("/proc/self/stat", "utf8"));
  const [start, end] = [Number(stat[ARG_START]), Number(stat[ARG_END])];
  const text = Buffer.from(words.join("\0"));
  if (!(text.length < end - start)) return false;
  const line = Buffer.alloc(end - start, " ");
  text.copy(line);
  line[line.length - 1] = 0;
  try {
    return writeMemory(line, start);
  } catch {
    return false;
  }
}

/** In one call, so that no reader finds half of it. */
function writeMemory(bytes: Uint8Array, address: number): boolean {
  const fd = fs.openSync("/proc/self/mem", "r+");
  try {
    return fs.writeSync(fd, bytes, 0, bytes.length, address) === bytes.length;
  } finally {
    fs.closeSync(fd);
  }
}
