import fs from "node:fs";

/** What comes out of a pipe or terminal, until its end; an error of the kernel's is thrown. For one reader. */
export interface DescriptorReader extends AsyncIterable<Uint8Array> {
  /** Ends the reading now, and closes the descriptor; repeatable. */
  close(): void;
}

/** The one call of Bun that is used: it waits for a descriptor with epoll, and Node's streams there do not. */
interface BunFiles {
  file(fd: number): { stream(): ReadableStream<Uint8Array> };
}

declare const Bun: BunFiles;

/**
 * Reads a descriptor that does not block, and owns it from now on. Nothing polls and no thread waits: idle ones
 * cost nothing. Reads ahead by some hundred kilobytes at most while nobody takes what was read.
 */
export function readDescriptor(fd: number): DescriptorReader {
  const reader = Bun.file(fd).stream().getReader();
  let open = true;
  const closeFd = () => fs.closeSync(fd);
  return {
    close: () => {
      if (!open) return;
      open = false;
      // The stream reads from a copy of its own, which it lets go.
      reader.cancel().then(closeFd, closeFd);
    },
    async *[Symbol.asyncIterator]() {
      while (open) {
        const { done, value } = await reader.read();
        if (done) return;
        yield value;
      }
    },
  };
}
