import fs from "node:fs";
import path from "node:path";
import { errnoOf } from "../base/files.ts";
import { StatusCode, StatusError } from "../base/status.ts";

/** What was to be started, as far as it matters to why it was not. */
export interface StartAttempt {
  readonly file: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Why a program could not be started, with what to do about it: `failedPrecondition` where the program, its
 * interpreter or its working directory is missing, `permissionDenied`, `invalidArgument` for arguments that no
 * program can be given, `resourceExhausted` where the host has no room for a process.
 */
export function spawnError(thrown: unknown, attempt: StartAttempt): StatusError {
  const { file } = attempt;
  const cause = { cause: thrown };
  const error = (code: StatusCode, message: string) => new StatusError(code, message, cause);
  switch (errnoOf(thrown)) {
    case "ENOENT":
    case "ENOTDIR":
      return error(StatusCode.failedPrecondition, whatIsMissing(attempt));
    case "EACCES":
    case "EPERM":
      return error(StatusCode.permissionDenied, `${file} may not be run: it must be an executable file`);
    case "ENOEXEC":
      return error(StatusCode.failedPrecondition, `${file} is no program that this machine can run`);
    case "E2BIG":
    case "ERR_INVALID_ARG_VALUE":
    case "ERR_INVALID_ARG_TYPE":
      return error(StatusCode.invalidArgument, `${file} cannot be given such arguments: ${String(thrown)}`);
    case "EAGAIN":
    case "ENOMEM":
    case "EMFILE":
    case "ENFILE":
      return error(StatusCode.resourceExhausted, `${file} cannot be started: ${errnoOf(thrown)}`);
    default:
      return error(StatusCode.internal, `${file} cannot be started: ${String(thrown)}`);
  }
}

/** One errno stands for three things that may be missing; this looks which it is. */
function whatIsMissing({ file, cwd, env }: StartAttempt): string {
  if (cwd !== undefined && !fs.existsSync(cwd))
    return `${file} cannot be started in ${cwd}: no such directory`;
  const searched = (env ?? process.env).PATH ?? "";
  const places = file.includes("/") ? [file] : searched.split(":").map((dir) => path.join(dir, file));
  const found = places.find((place) => fs.existsSync(place));
  if (found !== undefined)
    return `${found} is there, but what it needs to run (its interpreter or loader) is not`;
  const where = file.includes("/") ? "" : ` in PATH=${searched}`;
  return `${file} not found${where}: install it, or set binary_name in the runtime's options`;
}
