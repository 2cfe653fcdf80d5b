import { type ChildProcess, spawn } from "node:child_process";
import { StatusCode, StatusError } from "../base/status.ts";

/** A program and its arguments that does nothing but read its stdin to the end and exit. It needs one thread only. */
export type HelperCommand = readonly [program: string, ...args: string[]];

/**
 * `cat` is all that a helper has to be: it waits for the end of its stdin and exits. It has one thread, so that
 * its exit is the exit of its last reference, and a twentieth of our memory.
 */
export const DEFAULT_HELPERS: readonly HelperCommand[] = [["/bin/cat"], ["/usr/bin/cat"]];

/** A process that holds descriptors until it is let go. */
export interface Helper {
  readonly pid: number;
  /** Ends its stdin, upon which it exits. Our death does the same. */
  readonly letGo: () => void;
  /** Resolves when it has exited, and what its exit had to do for the descriptors is done. */
  readonly exited: Promise<void>;
}

/**
 * Starts the first of the commands that can be started, and hands it copies of the descriptors. It keeps neither
 * this process alive nor its directory or session. Where none can be started the error is `unavailable`.
 */
export async function startHelper(
  fds: readonly number[],
  commands: readonly HelperCommand[],
): Promise<Helper> {
  const failures: string[] = [];
  for (const command of commands) {
    try {
      return await startOne(fds, command);
    } catch (err) {
      failures.push(err instanceof Error ? err.message : String(err));
    }
  }
  const message = `the helper that releases a mount cannot be started: ${failures.join("; ") || "none is configured"}`;
  throw new StatusError(StatusCode.unavailable, message);
}

async function startOne(fds: readonly number[], [program, ...args]: HelperCommand): Promise<Helper> {
  // In a session and directory of its own, so that it holds nothing else and no signal of ours reaches it.
  const child = spawn(program, args, {
    stdio: ["pipe", "ignore", "ignore", ...fds],
    detached: true,
    cwd: "/",
    env: {},
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const pid = await pidOf(child);
  child.unref();
  child.stdin?.on("error", () => {});
  return { pid, letGo: () => child.stdin?.destroy(), exited };
}

async function pidOf(child: ChildProcess): Promise<number> {
  if (child.pid !== undefined) return child.pid;
  throw await new Promise((resolve) => child.once("error", resolve));
}
