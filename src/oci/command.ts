import { MAX_TIMER_MS, within } from "../base/deadline.ts";
import { deferred } from "../base/deferred.ts";
import { type Child, launch } from "../base/launch.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { killDescendants } from "../linux/kill-descendants.ts";
import { haveAtHand } from "./at-hand.ts";
import { Capture, type CapturedText } from "./capture.ts";
import { spawnError } from "./spawn-error.ts";

/** Where one of a command's descriptors goes: nowhere, into the result (1 and 2), or to a descriptor of ours. */
export type StdioTarget = "ignore" | "capture" | number;

/** A program to run, and how far it may go. */
export interface CommandOptions {
  /** A path, or a name to be found in the PATH of `env`. Never goes through a shell. */
  readonly file: string;
  readonly args: readonly string[];
  /** The whole environment; ours where not given. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The name that the program sees as its own; `file` where not given. */
  readonly argv0?: string;
  /**
   * Descriptors 0, 1, 2 and up. A number is a descriptor of ours, which stays open here: closing it is the
   * caller's business. Default: nothing in, both outputs captured.
   */
  readonly stdio?: readonly StdioTarget[];
  /** Ends the command (as at its time limit) and rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** How long it may run before it is killed; `Infinity` for no limit. */
  readonly timeoutMs: number;
  /** How long it has between SIGTERM and SIGKILL once it is to be ended; 0 (the default) is SIGKILL at once. */
  readonly killGraceMs?: number;
  /** Whether what it has started, and is not left to others, is killed with it. */
  readonly killsDescendants?: boolean;
  /** How many bytes of each captured output are kept, from its beginning; the rest is read and dropped. */
  readonly maxOutputBytes?: number;
  /** Told the pid before anything else can happen to it: the process is this runtime's to wait for. */
  readonly onSpawn?: (pid: number) => void;
}

/** How a command ended. A failure of the program is a result, not an error. */
export interface CommandResult {
  readonly file: string;
  readonly args: readonly string[];
  readonly pid: number;
  /** Its exit code, or undefined where a signal ended it. */
  readonly exitCode: number | undefined;
  /** The signal that ended it, or undefined where it exited. */
  readonly signal: NodeJS.Signals | undefined;
  readonly durationMs: number;
  readonly stdout: CapturedText;
  readonly stderr: CapturedText;
  /** Whether it was killed because it passed its time limit. */
  readonly timedOut: boolean;
}

/** Enough for the largest state or list that a runtime prints. */
const DEFAULT_MAX_OUTPUT_BYTES = 4 << 20;
/** A killed process that is not gone after this sits in a system call that cannot be interrupted. */
const KILLED_MS = 5_000;

/**
 * Runs a program to its end. Resolves when the process itself has exited, also where processes that it has
 * left behind hold its outputs open (a container does); those outputs are then closed here, after what the
 * program itself wrote was read.
 *
 * Rejects where the program cannot be started (see {@link spawnError}), where `signal` aborts (with its
 * reason, once the process is gone), and with `deadlineExceeded` where even SIGKILL does not end it.
 */
export async function runCommand(options: CommandOptions): Promise<CommandResult> {
  options.signal?.throwIfAborted();
  const started = performance.now();
  await atHand(options);
  const child = await startChild(options);
  const maxBytes = options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES;
  const stdout = new Capture(child.stdout, maxBytes);
  const stderr = new Capture(child.stderr, maxBytes);
  const limits = limit(child, options);
  try {
    const { exitCode, signal } = await Promise.race([child.ended, limits.stuck]);
    const [out, err] = await Promise.all([stdout.drain(), stderr.drain()]);
    // The process may also have ended by itself while it was being aborted; the caller has turned away anyway.
    options.signal?.throwIfAborted();
    const { file, args } = options;
    const durationMs = performance.now() - started;
    return {
      file,
      args,
      pid: child.pid,
      exitCode,
      signal,
      durationMs,
      stdout: out,
      stderr: err,
      timedOut: limits.timedOut(),
    };
  } finally {
    limits.cleanup();
    stdout.close();
    stderr.close();
  }
}

/** Nothing has been started where this takes longer than the command may. */
async function atHand({ file, env = process.env, timeoutMs, signal }: CommandOptions): Promise<void> {
  await within(haveAtHand(file, env), timeoutMs, `reading the program ${file}`, signal);
}

async function startChild(options: CommandOptions): Promise<Child> {
  const { file, args, env = process.env, cwd, argv0, onSpawn } = options;
  const stdio = (options.stdio ?? ["ignore", "capture", "capture"]).map((target) =>
    target === "capture" ? "pipe" : target,
  );
  try {
    return await launch([file, ...args], { env, stdio, cwd, argv0, onSpawn });
  } catch (thrown) {
    throw spawnError(thrown, options);
  }
}

/** What ends the process early: its time limit and the caller's signal. */
function limit(child: Child, options: CommandOptions) {
  const stuck = deferred<never>();
  stuck.promise.catch(() => {});
  let timedOut = false;
  let step: NodeJS.Timeout | undefined;
  const kill = () => {
    if (options.killsDescendants) killDescendants(child.pid, () => child.kill("SIGSTOP"));
    child.kill("SIGKILL");
    step = setTimeout(() => {
      child.unref();
      stuck.reject(stuckError(child, options));
    }, KILLED_MS);
  };
  const end = () => {
    clearTimeout(step);
    if (!options.killGraceMs) return kill();
    child.kill("SIGTERM");
    step = setTimeout(kill, options.killGraceMs);
  };
  const expire = () => {
    timedOut = true;
    end();
  };
  const { timeoutMs, signal } = options;
  if (timeoutMs !== Infinity) step = setTimeout(expire, Math.min(timeoutMs, MAX_TIMER_MS));
  if (signal?.aborted) end();
  signal?.addEventListener("abort", end, { once: true });
  const cleanup = () => {
    clearTimeout(step);
    signal?.removeEventListener("abort", end);
  };
  return { stuck: stuck.promise, timedOut: () => timedOut, cleanup };
}

function stuckError(child: Child, options: CommandOptions): StatusError {
  const what = `${options.file} ${options.args.join(" ")} (pid ${child.pid})`;
  return new StatusError(StatusCode.deadlineExceeded, `${what} was killed and is still there`);
}
