/** What an OCI runtime says when a command fails, and its translation into the project's codes. */

import { readTail } from "../base/files.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import type { CommandResult } from "./command.ts";

/** The commands of an OCI runtime that can fail. */
export type RuncCommand =
  | "create"
  | "start"
  | "run"
  | "kill"
  | "delete"
  | "state"
  | "list"
  | "ps"
  | "pause"
  | "resume"
  | "update"
  | "exec"
  | "checkpoint"
  | "restore"
  | "events"
  | "features"
  | "version";

interface Rule {
  readonly text: RegExp;
  readonly code: StatusCode;
  /** The commands it is about; all where not given. */
  readonly commands?: readonly RuncCommand[];
}

const CREATING: readonly RuncCommand[] = ["create", "run", "restore"];
const ENDED = /process already finished|container not running|no such process|is not running/i;

/**
 * Text → code; the first rule that fits counts. Whatever fits none is `unknown`, as from
 * containerd-shim-runc-v2; the text is passed on as it is, because clients look into it (for "executable file
 * not found in $PATH", say).
 */
const RULES: readonly Rule[] = [
  {
    text: /container with (given )?id.* exists|^container `.*` already exists/i,
    code: StatusCode.alreadyExists,
    commands: CREATING,
  },
  { text: /(^|failed: )container (with id |"[^"]*" )?does not exist$/i, code: StatusCode.notFound },
  // crun's words for a container that it does not know.
  { text: /^error opening file `[^`]*\/status`: No such file or directory$/, code: StatusCode.notFound },
  {
    text: /^cannot open directory [`'][^`']*[`']: No such file or directory$/,
    code: StatusCode.notFound,
    commands: ["delete"],
  },
  { text: /does not exist/, code: StatusCode.notFound, commands: ["kill"] },
  // The daemon takes `not found` as "has exited already", which is what it wants of a kill or an update.
  { text: ENDED, code: StatusCode.notFound, commands: ["kill", "update"] },
  {
    text: ENDED,
    code: StatusCode.failedPrecondition,
    commands: ["start", "pause", "resume", "exec", "ps", "checkpoint"],
  },
  {
    text: /cannot start (an already running container|a container that has stopped)/,
    code: StatusCode.failedPrecondition,
  },
  {
    text: /^cannot open `[^`]*\/exec\.fifo`: No such file/,
    code: StatusCode.failedPrecondition,
    commands: ["start"],
  },
  {
    text: /container not paused|container `[^`]*` is paused|cannot exec in a (paused|stopped) container/,
    code: StatusCode.failedPrecondition,
  },
  {
    text: /^cannot delete container .* that is not stopped|is not in `created` or `stopped` state/,
    code: StatusCode.failedPrecondition,
    commands: ["delete"],
  },
  {
    text: /invalid (container )?id format|unknown signal|unable to signal init: invalid argument|^send signal to pidfd: Invalid argument/i,
    code: StatusCode.invalidArgument,
  },
  { text: /^unknown command |No help topic for /, code: StatusCode.unimplemented },
];

/** The code for what a runtime said when a command failed. */
export function codeOfRuncText(command: RuncCommand, text: string): StatusCode {
  const fits = (rule: Rule) => (rule.commands ?? [command]).includes(command) && rule.text.test(text);
  return RULES.find(fits)?.code ?? StatusCode.unknown;
}

/** How much of a log is looked at, from its end; debug logs are long. */
const LOG_TAIL_BYTES = 64 << 10;
/** How much of a runtime's text goes into a message. */
const MAX_TEXT = 4_096;

/**
 * The messages of level error and above that were added to a runtime's JSON log since it was `offset` bytes
 * long, in their order. Lines that are no such entries are passed over.
 */
export function readLogErrors(log: string, offset: number): string[] {
  return readTail(log, offset, LOG_TAIL_BYTES).split("\n").flatMap(logError);
}

function logError(line: string): string[] {
  if (!line.startsWith("{")) return [];
  try {
    const { level, msg } = JSON.parse(line) as { level?: unknown; msg?: unknown };
    const isError = level === "error" || level === "fatal" || level === "panic";
    return isError && typeof msg === "string" && msg.trim() !== "" ? [msg.trim()] : [];
  } catch {
    return [];
  }
}

/** What a failed command left behind. */
export interface RuncFailure {
  readonly command: RuncCommand;
  /** The container, where the command was about one. */
  readonly id?: string;
  readonly result: CommandResult;
  /** What {@link readLogErrors} gave. */
  readonly logErrors: readonly string[];
}

/**
 * The error for a failed command: `OCI runtime create failed: <what the runtime said>`. The container is named where the
 * text does not, but not to who has something made: that is shown to users as it is, and is what they know from others.
 */
export function runcError({ command, id, result, logErrors }: RuncFailure): StatusError {
  const text = findText(logErrors, result.stderr.text).slice(0, MAX_TEXT);
  const about = id === undefined || text.includes(id) ? "" : ` (container ${id})`;
  const prefix = `OCI runtime ${command} failed`;
  if (text !== "") {
    const isShown = command === "exec" || CREATING.includes(command);
    const message = `${prefix}: ${text}${isShown ? "" : about}`;
    return new StatusError(codeOfRuncText(command, text), message);
  }
  const { file, exitCode, signal } = result;
  const ending = signal === undefined ? `exit status ${exitCode}` : `${signal}`;
  return new StatusError(
    StatusCode.unknown,
    `${prefix}: ${file} ended with ${ending} and said nothing${about}`,
  );
}

/**
 * The log may hold lines of another command that ran at the same time, but its own stderr, where it was
 * captured, repeats the right one.
 */
function findText(logErrors: readonly string[], stderr: string): string {
  const said = stderr.trim();
  if (said === "") return logErrors.at(-1) ?? "";
  return logErrors.findLast((text) => said.includes(text)) ?? said;
}
