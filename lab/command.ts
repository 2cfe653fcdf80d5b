import { spawn } from "node:child_process";

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
  /** Kills the program after this many milliseconds; 60 seconds where it is missing. */
  readonly timeoutMs?: number;
}

const SIGNALS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** Runs a program to its end with nothing on stdin. Rejects only where it cannot be started. */
export async function command(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const before = performance.now();
  const child = spawn(file, args, {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: options.timeoutMs ?? 60_000,
    killSignal: "SIGKILL",
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? 128 + (SIGNALS[signal ?? ""] ?? -129)));
  });
  const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString("utf8");
  return { stdout: text(stdout), stderr: text(stderr), exitCode, ms: performance.now() - before };
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
