import { closeSync, constants, openSync, write } from "node:fs";
import { Socket } from "node:net";
import { sleep } from "../base/deadline.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { describeEnding, runProgram } from "./program.ts";

/** How soon an opening is tried again while nobody reads yet, in milliseconds. */
const OPEN_RETRY_MS = 5;

/** How soon a write to a full pipe is tried again: a reader that is only slow needs no time, one that stalls gets it. */
const WRITE_RETRY_MS = 1;
const STALLED_RETRY_MS = 20;
const STALLED_AFTER = 50;

/** Makes named pipes that only their owner may use (by mkfifo(1): Node has no call for it). */
export async function makeFifos(paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  const result = await runProgram({
    file: "mkfifo",
    args: ["-m", "0600", "--", ...paths],
    timeoutMs: 10_000,
  });
  if (result.exitCode === 0) return;
  const message = `${paths.join(", ")} could not be made: ${describeEnding(result)}`;
  throw new StatusError(StatusCode.internal, message);
}

/** What comes out of a named pipe, until its last writer has closed it or it is closed here. For one reader. */
export interface FifoReader extends AsyncIterable<Uint8Array> {
  /** Ends the reading now; what is in the pipe is dropped. */
  close(): void;
}

/**
 * Opens a named pipe for reading without waiting for a writer: no end is seen before the first writer has come
 * and gone. Nothing blocks, and no thread waits in a read.
 */
export function openFifoReader(file: string): FifoReader {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const bun = (globalThis as { Bun?: BunFiles }).Bun;
  return bun === undefined ? readBySocket(fd) : readByStream(bun, fd);
}

/** The one call of Bun that is used: its sockets do not take a pipe, as Node's do. */
interface BunFiles {
  file(fd: number): { stream(): ReadableStream<Uint8Array> };
}

function readBySocket(fd: number): FifoReader {
  const socket = new Socket({ fd, readable: true, writable: false });
  let closed = false;
  return {
    close: () => {
      closed = true;
      socket.destroy();
    },
    async *[Symbol.asyncIterator]() {
      try {
        yield* socket as AsyncIterable<Uint8Array>;
      } catch (error) {
        if (!closed) throw error;
      }
    },
  };
}

function readByStream(bun: BunFiles, fd: number): FifoReader {
  const reader = bun.file(fd).stream().getReader();
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    // The stream does not close a descriptor that it was given.
    reader.cancel().then(
      () => closeSync(fd),
      () => closeSync(fd),
    );
  };
  return {
    close,
    async *[Symbol.asyncIterator]() {
      try {
        while (open) {
          const { done, value } = await reader.read();
          if (done) return;
          yield value;
        }
      } finally {
        close();
      }
    },
  };
}

/** The writing end of a pipe. */
export interface FifoWriter {
  /** Writes all of it after what was written before, waiting for room. Rejects with EPIPE when nobody reads. */
  write(data: Uint8Array): Promise<void>;
  close(): void;
}

/** Opens a named pipe for writing as soon as it has a reader; rejects with the signal's reason before that. */
export async function openFifoWriter(file: string, signal: AbortSignal): Promise<FifoWriter> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return pipeWriter(openSync(file, constants.O_WRONLY | constants.O_NONBLOCK));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENXIO") throw error;
    }
    await sleep(OPEN_RETRY_MS, signal);
  }
}

/** Writes to a descriptor that does not block, which it owns from now on. */
export function pipeWriter(fd: number): FifoWriter {
  let open = true;
  let last: Promise<void> = Promise.resolve();
  const writeAll = async (data: Uint8Array) => {
    let rest = data;
    let refused = 0;
    while (rest.length > 0) {
      if (!open) throw new StatusError(StatusCode.cancelled, "the pipe was closed while it was written to");
      const written = await writeSome(fd, rest);
      refused = written === 0 ? refused + 1 : 0;
      if (refused > 0) await sleep(refused > STALLED_AFTER ? STALLED_RETRY_MS : WRITE_RETRY_MS);
      rest = rest.subarray(written);
    }
  };
  return {
    write: (data) => {
      const turn = last.then(() => writeAll(data));
      last = turn.catch(() => {});
      return turn;
    },
    close: () => {
      if (!open) return;
      open = false;
      // Not while a write to it is on its way: the number could be another file's by then.
      void last.then(() => closeSync(fd));
    },
  };
}

/** Writes what there is room for; 0 bytes where there is none. */
function writeSome(fd: number, data: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, data, (error, written) => {
      if (error === null) resolve(written);
      else if (error.code === "EAGAIN") resolve(0);
      else reject(error);
    });
  });
}
