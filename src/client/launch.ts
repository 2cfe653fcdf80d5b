import { rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { deadline } from "../base/deadline.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { containerd, google } from "../proto/index.ts";
import { connect } from "../ttrpc/index.ts";
import { checkIdentifier } from "./identifier.ts";
import { describeEnding, type ProgramResult, runProgram } from "./program.ts";
import { Shim } from "./shim.ts";
import { type ShimCommand, type StartInput, shimArgs, shimEnv, startStdin } from "./shim-command.ts";
import { ShimLog } from "./shim-log.ts";
import { parseStartAnswer, type StartAnswer } from "./start-answer.ts";
import { toDate } from "./time.ts";

/** How long `start` and the connection to what it answers may take unless said otherwise, in milliseconds. */
const START_TIMEOUT_MS = 20_000;

/** How long the daemon gives `delete`. */
const DELETE_TIMEOUT_MS = 5_000;

/** How long a question that touches no container may take. */
const QUESTION_TIMEOUT_MS = 10_000;

/** An answer is an address, not a book. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** How to launch a shim. */
export interface LaunchOptions extends ShimCommand, Partial<StartInput> {
  /** How long until the connection stands, in milliseconds; 20 s if not given. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Gets each line that the shim logs. */
  readonly onLog?: (line: string) => void;
}

/**
 * Launches a shim as a containerd daemon does: reads its log, runs `start` in the bundle, connects to what it
 * answers, and leaves the daemon's own notes in the bundle (`shim-binary-path`, `bootstrap.json`).
 * When it rejects, log and connection are closed again; a server that `start` may have left is for
 * {@link deleteShim} and the caller, as it is for a daemon.
 */
export async function launchShim(options: LaunchOptions): Promise<Shim> {
  checkNames(options);
  const timeoutMs = options.timeoutMs ?? START_TIMEOUT_MS;
  const time = deadline(timeoutMs, `launching ${options.binary} for ${options.id}`, options.signal);
  const log = await ShimLog.open(options.bundle, options.onLog ?? (() => {}));
  try {
    const answer = await start(options, time.signal);
    const connection = await connect(answer.address, { signal: time.signal });
    const shim = new Shim(answer, connection, log);
    await writeNotes(options, answer).catch(async (error) => {
      await shim.close();
      throw error;
    });
    return shim;
  } catch (error) {
    await log.close();
    throw error;
  } finally {
    time.cleanup();
  }
}

async function start(options: LaunchOptions, signal: AbortSignal): Promise<StartAnswer> {
  const input: StartInput = { ...options, bootstrap: options.bootstrap ?? "legacy" };
  const result = await runProgram({
    file: options.binary,
    args: shimArgs(options, "start"),
    cwd: options.bundle,
    env: shimEnv(options),
    stdin: startStdin(options, input),
    timeoutMs: Number.POSITIVE_INFINITY,
    maxOutputBytes: MAX_ANSWER_BYTES,
    signal,
  });
  expectSuccess(options.binary, "start", result);
  return parseStartAnswer(result.output, options.binary);
}

async function writeNotes(options: LaunchOptions, answer: StartAnswer): Promise<void> {
  await writeFile(path.join(options.bundle, "shim-binary-path"), options.binary, { mode: 0o600 });
  const file = path.join(options.bundle, "bootstrap.json");
  await writeFile(`${file}.new`, JSON.stringify(answer), { mode: 0o644 });
  await rename(`${file}.new`, file);
}

/** What a shim's `delete` says about the container it cleaned up. */
export interface ShimDeletion {
  readonly pid: number;
  readonly exitStatus: number;
  readonly exitedAt: Date | undefined;
  /** What it wrote to stderr. */
  readonly warnings: string;
}

/**
 * Cleans up after a shim that is gone, by its binary's `delete`, as the daemon does: it kills what still runs
 * and unmounts the rootfs. Killed after 5 s.
 */
export async function deleteShim(command: ShimCommand, signal?: AbortSignal): Promise<ShimDeletion> {
  checkNames(command);
  const result = await runProgram({
    file: command.binary,
    args: shimArgs(command, "delete"),
    cwd: command.bundle,
    env: shimEnv(command),
    timeoutMs: DELETE_TIMEOUT_MS,
    ...(signal === undefined ? {} : { signal }),
  });
  expectSuccess(command.binary, "delete", result);
  const answer = decode(command.binary, "delete", () =>
    containerd.task.v2.DeleteResponse.decode(result.stdout),
  );
  const { pid, exitStatus } = answer;
  return { pid, exitStatus, exitedAt: toDate(answer.exitedAt), warnings: result.stderr.toString("utf8") };
}

/** What a shim says about itself and its runtime (`-info`); `options` are the runtime's, such as its binary. */
export async function shimInfo(
  binary: string,
  options?: google.protobuf.IAny,
): Promise<containerd.types.RuntimeInfo> {
  const stdin = options === undefined ? new Uint8Array() : google.protobuf.Any.encode(options).finish();
  const result = await runProgram({ file: binary, args: ["-info"], stdin, timeoutMs: QUESTION_TIMEOUT_MS });
  expectSuccess(binary, "-info", result);
  return decode(binary, "-info", () => containerd.types.RuntimeInfo.decode(result.stdout));
}

/** What a shim prints about its version (`-v`): some lines for people. */
export async function shimVersion(binary: string): Promise<string> {
  const result = await runProgram({ file: binary, args: ["-v"], timeoutMs: QUESTION_TIMEOUT_MS });
  expectSuccess(binary, "-v", result);
  return result.stdout.toString("utf8").trim();
}

/** Shims make paths of them. */
function checkNames({ namespace, id }: ShimCommand): void {
  checkIdentifier("namespace", namespace);
  checkIdentifier("id", id);
}

function expectSuccess(binary: string, action: string, result: ProgramResult): void {
  if (result.exitCode === 0) return;
  throw new StatusError(StatusCode.unknown, `${binary} ${action} failed, ${describeEnding(result)}`);
}

function decode<T>(binary: string, action: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const message = `${binary} ${action} answered what cannot be decoded`;
    throw new StatusError(StatusCode.invalidArgument, message, { cause });
  }
}
