import type { FifoWriter } from "../fifo.ts";
import { ExitStatus } from "./exit-status.ts";
import { openOutput } from "./output.ts";
import { signalNumber } from "./signals.ts";
import { jsonText } from "./words.ts";

/**
 * Has something written to stdout and resolves to the exit status when all is written: the process ends right after
 * it. A reader that has gone ends us as a signal would.
 */
export async function writeOut(work: (stdout: FifoWriter) => Promise<void>): Promise<number> {
  const stdout = openOutput(1);
  try {
    await work(stdout);
    return 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
    return ExitStatus.signal + signalNumber("SIGPIPE");
  } finally {
    stdout.close();
  }
}

/** Writes lines to stdout. As {@link writeOut} else. */
export function print(text: string): Promise<number> {
  return writeOut((stdout) => stdout.write(Buffer.from(`${text}\n`)));
}

/** Writes a value to stdout as one JSON document that people can read, too. As {@link print} else. */
export function printJson(value: unknown): Promise<number> {
  return print(jsonText(value));
}
