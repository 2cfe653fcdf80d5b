import { openOutputFifo } from "../../linux/fifo.ts";
import type { Output, OutputStream } from "./output.ts";
import { ownEnds } from "./own-ends.ts";
import type { StdioOwner } from "./stdio.ts";

/**
 * Opens a fifo as the output of a process, which writes to it by itself. The kept end reads nothing: it is there
 * so that the process meets no broken pipe while the daemon is away, and so that what was written waits.
 */
export async function openFifoOutput(
  file: string,
  streams: readonly OutputStream[],
  owner: StdioOwner,
): Promise<Output> {
  const ends = openOutputFifo(file);
  const closeKept = await ownEnds(ends, owner);
  return {
    childFds: Object.fromEntries(streams.map((stream) => [stream, ends.child])),
    // What is in the fifo stays there for a reader that has it open, as the daemon has from before Create on.
    finished: async () => {},
    close: async () => closeKept(),
  };
}
