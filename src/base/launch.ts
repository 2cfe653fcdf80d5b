/**
 * Starts programs: by what Bun has at hand, or by node:child_process where this runs on Node. In Bun that module and the
 * streams it makes of pipes take 4.5 ms at the first program, a tenth of what a container's whole life takes of the
 * shim. (`start` holds a pipe to the server beyond the first three descriptors, and so asks Bun itself.)
 */
import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { deferred } from "./deferred.ts";

/** What one descriptor of a program is: nothing, a pipe to us, or a descriptor of ours, which stays open here. */
export type LaunchStdio = "ignore" | "pipe" | number;

/** How a program is started. Its name is looked for in the PATH of `env`; nothing goes through a shell. */
export interface LaunchOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Descriptors 0, 1, 2 and up. `pipe` is for the first three. */
  readonly stdio: readonly LaunchStdio[];
  readonly cwd?: string | undefined;
  /** The name that the program sees as its own. */
  readonly argv0?: string | undefined;
  /** In a session of its own. */
  readonly detached?: boolean;
  /** Told the pid before anything else can happen to it. */
  readonly onSpawn?: ((pid: number) => void) | undefined;
}

/** How a program ended: by its exit code, or by a signal. */
export interface Ending {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

/** What a program writes to a pipe of ours. */
export interface PipeOutput {
  /**
   * Hands on what comes, as it comes; resolves at the end, and where it breaks or is closed. To be called once, in the
   * turn in which the program was started: what is not read by then may be lost.
   */
  read(take: (chunk: Uint8Array) => void): Promise<void>;
  /** Closes our end; repeatable. */
  close(): void;
}

/** A program that was started, and which the runtime waits for. */
export interface Child {
  readonly pid: number;
  /** Resolves when it has exited; what it wrote may still be in the pipes. */
  readonly ended: Promise<Ending>;
  readonly stdout: PipeOutput | undefined;
  readonly stderr: PipeOutput | undefined;
  /** Writes to the pipe that is its stdin, and closes it; nothing where it does not read any more. */
  endStdin(text: string): void;
  kill(signal: NodeJS.Signals): void;
  /** Lets this process end before the program does. */
  unref(): void;
}

/** Starts a program; rejects with the system's error, its errno's name as `code`, where that is not possible. */
export async function launch(
  command: readonly [string, ...string[]],
  options: LaunchOptions,
): Promise<Child> {
  const { Bun: bun } = globalThis as { readonly Bun?: BunSpawner };
  return bun === undefined ? await launchByNode(command, options) : launchByBun(bun, command, options);
}

/** Goes around the start of a program: calls what it is given, once or until that does not throw. */
export type Surround = <T>(start: () => T) => T;

let surround: Surround = (start) => start();

/** Has every program that this process starts from now on be started within this. */
export function launchWithin(next: Surround): void {
  surround = next;
}

/** The parts of Bun that are used. */
interface BunSpawner {
  spawn(command: readonly string[], options: object): BunChild;
}

interface BunChild {
  readonly pid: number;
  readonly stdin: { write(text: string): unknown; end(): unknown } | null | number | undefined;
  readonly stdout: ReadableStream<Uint8Array> | null | number | undefined;
  readonly stderr: ReadableStream<Uint8Array> | null | number | undefined;
  kill(signal: NodeJS.Signals): void;
  unref(): void;
}

function launchByBun(bun: BunSpawner, command: readonly string[], options: LaunchOptions): Child {
  const { env, stdio, cwd, argv0, detached = false, onSpawn } = options;
  const ended = deferred<Ending>();
  const onExit = (_: unknown, exitCode: number | null, signal: NodeJS.Signals | null) =>
    ended.resolve({ exitCode: exitCode ?? undefined, signal: signal ?? undefined });
  const child = surround(() => bun.spawn(command, { env, stdio, cwd, argv0, detached, onExit }));
  onSpawn?.(child.pid);
  const { stdin } = child;
  return {
    pid: child.pid,
    ended: ended.promise,
    stdout: outputOfBun(child.stdout),
    stderr: outputOfBun(child.stderr),
    endStdin: (text) => {
      if (typeof stdin !== "object" || stdin === null) return;
      void settled(() => stdin.write(text)).then(() => settled(() => stdin.end()));
    },
    kill: (signal) => child.kill(signal),
    unref: () => child.unref(),
  };
}

/** A pipe that nobody reads any more fails, at once or later. */
async function settled(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch {
    // Nobody misses it.
  }
}

function outputOfBun(stream: BunChild["stdout"]): PipeOutput | undefined {
  if (typeof stream !== "object" || stream === null) return undefined;
  const reader = stream.getReader();
  return {
    read: async (take) => {
      try {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return;
          take(value);
        }
      } catch {
        // What came until then is what there is.
      }
    },
    close: () => void reader.cancel().catch(() => {}),
  };
}

async function launchByNode([file, ...args]: readonly [string, ...string[]], options: LaunchOptions) {
  const { onSpawn, stdio, cwd, argv0, ...others } = options;
  const { spawn } = process.getBuiltinModule("node:child_process");
  const child = spawn(file, args, {
    ...others,
    stdio: [...stdio],
    ...(cwd !== undefined && { cwd }),
    ...(argv0 !== undefined && { argv0 }),
  });
  const { pid } = child;
  if (pid === undefined) throw await new Promise((resolve) => child.once("error", resolve));
  onSpawn?.(pid);
  return childOfNode(pid, child);
}

function childOfNode(pid: number, child: ChildProcess): Child {
  // A failed kill is told as an error, too, and so is a pipe that nobody reads.
  child.on("error", () => {});
  child.stdin?.on("error", () => {});
  const ended = new Promise<Ending>((resolve) => {
    child.once("exit", (code, signal) =>
      resolve({ exitCode: code ?? undefined, signal: signal ?? undefined }),
    );
  });
  return {
    pid,
    ended,
    stdout: outputOfNode(child.stdout),
    stderr: outputOfNode(child.stderr),
    endStdin: (text) => void child.stdin?.end(text),
    kill: (signal) => void child.kill(signal),
    unref: () => child.unref(),
  };
}

function outputOfNode(stream: Readable | null): PipeOutput | undefined {
  if (stream === null) return undefined;
  return {
    read: (take) => {
      if (stream.destroyed) return Promise.resolve();
      stream.on("data", take);
      return new Promise((resolve) => {
        stream.once("end", resolve).once("close", resolve).once("error", resolve);
      });
    },
    close: () => void stream.destroy(),
  };
}
