import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync } from "node:fs";
import { fileSize, readTail } from "../../base/files.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { supervisorPlace } from "./place.ts";

/** A log longer than this is begun anew: it lies in memory, as a rule. */
const MAX_LOG_BYTES = 1 << 20;

/** As much of the log as an error may hold. */
const MAX_REASON_BYTES = 2_000;

/** A supervisor that was started, as far as its own process is concerned. */
export interface StartedSupervisor {
  /** Whether that process has ended; well where it has found another supervisor. Throws what it has failed with. */
  ended(): boolean;
}

/**
 * Starts a supervisor that lives on by itself: in a session of its own, at the root directory, without any of our
 * streams. What it says goes to its log.
 */
export function startSupervisor(command: readonly string[], stateDir: string): StartedSupervisor {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const { log } = supervisorPlace(stateDir);
  const fd = openLog(log);
  const before = fileSize(log);
  try {
    const [file = "", ...args] = command;
    const child = spawn(file, args, { cwd: "/", detached: true, stdio: ["ignore", fd, fd] });
    // Its end is of interest only as long as somebody waits for it to listen.
    child.unref();
    return watch(child, () => readTail(log, before, MAX_REASON_BYTES).trim());
  } finally {
    closeSync(fd);
  }
}

function openLog(log: string): number {
  const { O_WRONLY, O_CREAT, O_APPEND, O_TRUNC } = constants;
  const anew = fileSize(log) > MAX_LOG_BYTES ? O_TRUNC : 0;
  return openSync(log, O_WRONLY | O_CREAT | O_APPEND | anew, 0o600);
}

function watch(child: ChildProcess, reason: () => string): StartedSupervisor {
  let failure: Error | undefined;
  child.once("error", (error) => {
    failure = error;
  });
  return {
    ended: () => {
      if (failure === undefined && child.exitCode === null && child.signalCode === null) return false;
      if (failure === undefined && child.exitCode === 0) return true;
      const how = failure?.message ?? (reason() || `exit status ${child.exitCode ?? child.signalCode}`);
      const message = `the supervisor could not be started: ${how.replace(/^ebb: /, "")}`;
      throw new StatusError(StatusCode.internal, message, { cause: failure });
    },
  };
}
