import { openOutput } from "./output.ts";

/** Lines to one of this process's outputs, in order, by somebody who does not wait for each. */
export interface LineOutput {
  readonly write: (line: string) => void;
  /** Resolves when all is written; rejects where a line could not be. */
  readonly end: () => Promise<void>;
}

/** Opens an output for lines; `onFailure` hears at once that it takes no more, such as when its reader has gone. */
export function openLines(fd: 1 | 2, onFailure: (error: unknown) => void = () => {}): LineOutput {
  const output = openOutput(fd);
  const failures: unknown[] = [];
  let last: Promise<void> = Promise.resolve();
  return {
    write: (line) => {
      if (failures.length > 0) return;
      last = output.write(Buffer.from(`${line}\n`)).catch((error) => {
        failures.push(error);
        if (failures.length === 1) onFailure(error);
      });
    },
    end: async () => {
      await last;
      output.close();
      if (failures.length > 0) throw failures[0];
    },
  };
}
