import { type ChildProcess, spawn } from "node:child_process";

/** How a program ended, and what it said. */
export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Its exit status; 128 plus the number of the signal where one ended it (as shells have it), -1 where that is unknown. */
  readonly exitCode: number;
  /** How long it ran, in milliseconds; for people to read. */
  readonly ms: number;
}

/** How to run a program. */
export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** What it gets to read; nothing where it is missing. */
  readonly input?: string;
  /** Kills the program after this many milliseconds; 60 seconds where it is missing. */
  readonly timeoutMs?: number;
  /** How long a program that was killed is waited for; 5 seconds where it is missing. */
  readonly killGraceMs?: number;
}

const SIGNALS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/**
 * Runs a program to its end. Rejects where it cannot be started, and where it does not end although it was
 * killed: one that sleeps in the kernel for a disk takes no signal.
 */
export async function command(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { timeoutMs = 60_000, killGraceMs = 5_000, input } = options;
  const before = performance.now();
  const child = spawn(file, args, {
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
  // A program need not read all of it.
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  let patience: NodeJS.Timeout | undefined;
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? 128 + (SIGNALS[signal ?? ""] ?? -129)));
    patience = setTimeout(() => {
      leave(child);
      const told = `was killed after ${timeoutMs} ms and has not ended ${killGraceMs} ms later`;
      reject(new Error(`${[file, ...args].join(" ")} (pid ${child.pid}) ${told}`));
    }, timeoutMs + killGraceMs);
  }).finally(() => clearTimeout(patience));
  const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString("utf8");
  return { stdout: text(stdout), stderr: text(stderr), exitCode, ms: performance.now() - before };
}

/** Lets this process end while the child still runs. */
function leave(child: ChildProcess): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
}

/** Runs a program that must succeed and returns its stdout; throws with its stderr otherwise. */
export async function must(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { stdout, stderr, exitCode } = await command(file, args, options);
  if (exitCode === 0) return stdout;
  throw new Error(`${[file, ...args].join(" ")} failed with exit status ${exitCode}: ${stderr.trim()}`);
}
