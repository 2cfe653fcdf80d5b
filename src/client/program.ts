import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { deadline } from "../base/deadline.ts";
import { deferred } from "../base/deferred.ts";
import { StatusCode, StatusError } from "../base/status.ts";

/** A program to run, and what bounds it. */
export interface ProgramCall {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Written to its stdin, which is then closed; /dev/null where there is nothing to write, as containerd has it. */
  readonly stdin?: Uint8Array;
  /** Descriptors of ours that it has as its own, from 3 on. */
  readonly inherit?: readonly number[];
  /** How long it may take, from its start until it has ended and both its outputs are closed, in milliseconds. */
  readonly timeoutMs: number;
  /** How many bytes stdout and stderr may have together; 1 MiB if not given. */
  readonly maxOutputBytes?: number;
  readonly signal?: AbortSignal;
}

/** How a program ended and what it wrote. */
export interface ProgramResult {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Both outputs in the order in which they were read. */
  readonly output: Buffer;
  readonly exitCode: number | undefined;
  /** The signal that ended it. */
  readonly signal: string | undefined;
}

const MAX_OUTPUT_BYTES = 1 << 20;

/**
 * Runs a program in its own process group, so that a Ctrl-C at the terminal does not reach it, until it has
 * ended and closed both outputs. Whatever its exit status is, that is a result; it throws `notFound` or
 * `permissionDenied` when the program cannot be run, `deadlineExceeded` past its time, `resourceExhausted`
 * past its output's bound, and the signal's reason on abort. In these cases the program was killed.
 */
export async function runProgram(call: ProgramCall): Promise<ProgramResult> {
  const what = describeCall(call);
  const time = deadline(call.timeoutMs, what, call.signal);
  try {
    time.signal.throwIfAborted();
    return await collect(call, what, time.signal);
  } finally {
    time.cleanup();
  }
}

/** A short name of the call, for messages: the program and its last argument. */
function describeCall(call: ProgramCall): string {
  const last = call.args.at(-1);
  return last === undefined ? call.file : `${call.file} … ${last}`;
}

async function collect(call: ProgramCall, what: string, signal: AbortSignal): Promise<ProgramResult> {
  const child = spawnProgram(call);
  const done = deferred<ProgramResult>();
  const chunks: { from: "stdout" | "stderr"; data: Buffer }[] = [];
  const limit = call.maxOutputBytes ?? MAX_OUTPUT_BYTES;
  let size = 0;
  const fail = (error: unknown) => {
    done.reject(error);
    end(child);
  };
  const onAbort = () => fail(explain(child, signal.reason));
  signal.addEventListener("abort", onAbort, { once: true });
  for (const from of ["stdout", "stderr"] as const) {
    child[from].on("data", (data: Buffer) => {
      size += data.length;
      if (size <= limit) chunks.push({ from, data });
      else fail(new StatusError(StatusCode.resourceExhausted, `${what} wrote more than ${limit} bytes`));
    });
    child[from].on("error", fail);
  }
  child.on("error", (error) => fail(startError(call, error)));
  child.on("close", (code, name) => {
    const pick = (from?: string) =>
      Buffer.concat(chunks.filter((chunk) => from === undefined || chunk.from === from).map((c) => c.data));
    const ending = { exitCode: code ?? undefined, signal: name ?? undefined };
    done.resolve({ stdout: pick("stdout"), stderr: pick("stderr"), output: pick(), ...ending });
  });
  // A program that reads no stdin may be gone before all is written: its exit says more than the EPIPE.
  child.stdin?.on("error", () => {});
  child.stdin?.end(call.stdin);
  return done.promise.finally(() => signal.removeEventListener("abort", onAbort));
}

/** A program whose outputs are read. */
type ReadProgram = ChildProcessByStdio<Writable | null, Readable, Readable>;

function spawnProgram(call: ProgramCall): ReadProgram {
  const { stdin = new Uint8Array(), inherit = [] } = call;
  try {
    return spawn(call.file, [...call.args], {
      cwd: call.cwd,
      env: call.env,
      detached: true,
      stdio: [stdin.length > 0 ? "pipe" : "ignore", "pipe", "pipe", ...inherit],
    }) as ReadProgram;
  } catch (error) {
    // Node tells of a program that cannot be started by an event; Bun throws for some.
    throw startError(call, error as NodeJS.ErrnoException);
  }
}

/** Kills what still runs and lets go of the pipes, which somebody else may hold open for ever. */
function end(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
}

/** A program that has ended while its outputs are still open has handed them to another process: say so. */
function explain(child: ChildProcess, reason: unknown): unknown {
  if (child.exitCode === null || !(reason instanceof StatusError)) return reason;
  const message = `${reason.message}: it has ended, but another process holds its stdout or stderr open`;
  return new StatusError(reason.code, message, { cause: reason });
}

function startError(call: ProgramCall, error: NodeJS.ErrnoException): StatusError {
  const options = { cause: error };
  if (error.code === "ENOENT") {
    const missing = call.cwd === undefined ? call.file : `${call.file} or the directory ${call.cwd}`;
    return new StatusError(StatusCode.notFound, `${missing} does not exist`, options);
  }
  if (error.code === "EACCES" || error.code === "ENOEXEC") {
    return new StatusError(StatusCode.permissionDenied, `${call.file} may not be executed`, options);
  }
  return new StatusError(StatusCode.internal, `${call.file} could not be run: ${error.message}`, options);
}

/** How a program ended, for messages: `exit status 1: what it wrote`, cut after 2,000 characters. */
export function describeEnding(result: ProgramResult): string {
  const status =
    result.signal === undefined ? `exit status ${result.exitCode}` : `killed by ${result.signal}`;
  const text = result.output.toString("utf8").trim();
  if (text === "") return status;
  return `${status}: ${text.length > 2000 ? `${text.slice(0, 2000)}…` : text}`;
}
