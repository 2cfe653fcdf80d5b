import fs from "node:fs";
import type { FifoEnds } from "../../linux/fifo.ts";
import { own } from "../task/own.ts";
import type { StdioOwner } from "./stdio.ts";

/**
 * Gives the process's end of a fifo to its user; what closes the kept end, repeatable. Where that fails neither stays
 * open.
 */
export async function ownEnds({ keep, child }: FifoEnds, owner: StdioOwner): Promise<() => void> {
  let kept: number | undefined = keep;
  const closeKept = () => {
    if (kept !== undefined) fs.closeSync(kept);
    kept = undefined;
  };
  try {
    await own([child], owner);
    return closeKept;
  } catch (err) {
    fs.closeSync(child);
    closeKept();
    throw err;
  }
}
