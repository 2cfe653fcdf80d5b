import { openLines } from "../line-output.ts";
import { lineProgress } from "./line-progress.ts";
import { jsonProgress, noProgress, type ProgressView } from "./progress-view.ts";

/** What is wanted to be seen. */
export interface ProgressFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** A view, and what has it all written. */
export interface OpenProgress {
  readonly show: ProgressView["show"];
  /** Leaves the terminal as it was, and resolves when all is written. Rejects where a reader of JSON has gone. */
  readonly end: () => Promise<void>;
}

/**
 * Shows progress on stderr, in bars where that is a terminal and else in lines; or as JSON on stdout. What draws the
 * bars is loaded only for a terminal. `onFailure` hears of a reader that has gone.
 */
export async function openProgress(
  { json = false, quiet = false }: ProgressFlags,
  onFailure: (error: unknown) => void,
): Promise<OpenProgress> {
  if (quiet) return { show: noProgress.show, end: async () => {} };
  const lines = openLines(json ? 1 : 2, onFailure);
  const view = json ? jsonProgress(lines.write) : await forPeople(lines.write);
  return {
    show: view.show,
    end: async () => {
      view.close();
      await lines.end();
    },
  };
}

async function forPeople(write: (line: string) => void): Promise<ProgressView> {
  const inLines = lineProgress(write);
  if (!process.stderr.isTTY) return inLines;
  return (await import("./bar-progress.ts")).barProgress(process.stderr, inLines);
}
