import { StatusError } from "../../base/status.ts";

/** Exit statuses that are `ebb`'s own; every other one is the container's. */
export const ExitStatus = {
  /** The command line or the environment is not as it must be. */
  usage: 1,
  /** A command about containers could not be carried out. */
  error: 1,
  /** `ebb` or the shim failed before or after the container ran. */
  failure: 125,
  /** The container's program is there but may not be executed. */
  notExecutable: 126,
  /** The container's program does not exist. */
  notFound: 127,
  /** A signal ended it: this and the signal's number. */
  signal: 128,
} as const;

/** A mistake of who called: the message names the flag or the variable. */
export class UsageError extends Error {}

/**
 * The exit status for a run that did not come to the container's own: as a shell has it for the runtime's word
 * that a program is missing or not executable, else `failure`.
 */
export function statusOfFailure(thrown: unknown, program: string): number {
  if (thrown instanceof UsageError) return ExitStatus.usage;
  const { message } = StatusError.from(thrown);
  if (!message.includes(program)) return ExitStatus.failure;
  if (/executable file .*not found|exec.*: no such file or directory/i.test(message))
    return ExitStatus.notFound;
  if (/exec.*(?:permission denied|is a directory|not executable)/i.test(message)) {
    return ExitStatus.notExecutable;
  }
  return ExitStatus.failure;
}
