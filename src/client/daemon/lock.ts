import { closeSync, constants, fstatSync, ftruncateSync, openSync, statSync, writeSync } from "node:fs";
import { StatusCode, StatusError } from "../../base/status.ts";
import { describeEnding, runProgram } from "../program.ts";

/** How long flock(1) may take, in milliseconds: it does not wait for the lock. */
const FLOCK_MS = 10_000;

/** What flock(1) exits with where somebody else has the lock. */
const TAKEN = 75;

/** A lock that this process has. */
export interface Lock {
  /** Whether its file is still there: after its removal another process can take the lock of a new one. */
  holds(): boolean;
  release(): void;
}

/**
 * Takes the lock of a file, or says undefined where another process has it. It is the kernel's, so it goes with the
 * process, however that ends; the file stays, and tells the pid of who has it. flock(1) takes it for us on our own
 * descriptor, as Node has no call for it. `internal` where that program does not work.
 */
export async function takeLock(file: string): Promise<Lock | undefined> {
  const fd = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    if (!(await lockDescriptor(fd, file))) {
      closeSync(fd);
      return undefined;
    }
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`, 0);
    return { holds: () => isSameFile(fd, file), release: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function isSameFile(fd: number, file: string): boolean {
  const [ours, there] = [fstatSync(fd), statSync(file, { throwIfNoEntry: false })];
  return ours.ino === there?.ino && ours.dev === there.dev;
}

async function lockDescriptor(fd: number, file: string): Promise<boolean> {
  const result = await runProgram({
    file: "flock",
    args: ["--nonblock", "--conflict-exit-code", String(TAKEN), "3"],
    inherit: [fd],
    timeoutMs: FLOCK_MS,
  });
  if (result.exitCode === 0 || result.exitCode === TAKEN) return result.exitCode === 0;
  throw new StatusError(StatusCode.internal, `${file} could not be locked: ${describeEnding(result)}`);
}
