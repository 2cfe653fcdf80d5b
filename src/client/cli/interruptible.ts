import { StatusCode, StatusError } from "../../base/status.ts";
import { ExitStatus, UsageError } from "./exit-status.ts";
import { signalNumber } from "./signals.ts";
import { printable } from "./words.ts";

const ENDING = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Does what a signal may end: `work` gets a signal that is aborted then, and the exit status is the one that shells
 * have for it. A second signal waits for nothing. Resolves to the exit status; what goes wrong is told on stderr in one
 * line, and is exit status 1. A {@link UsageError} is thrown on.
 */
export async function interruptible(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const controller = new AbortController();
  let status: number | undefined;
  const onSignal = (name: NodeJS.Signals) => {
    if (status !== undefined) process.exit(status);
    status = ExitStatus.signal + signalNumber(name);
    controller.abort(new StatusError(StatusCode.cancelled, "interrupted"));
  };
  for (const name of ENDING) process.on(name, onSignal);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (status === undefined && error instanceof UsageError) throw error;
    tellError(error);
    return status ?? ExitStatus.usage;
  } finally {
    for (const name of ENDING) process.off(name, onSignal);
  }
}

/** Tells people what went wrong, in one line. */
export function tellError(error: unknown): void {
  process.stderr.write(`ebb: ${printable(StatusError.from(error).message.trim())}\n`);
}
