import fs from "node:fs";
import { errnoOf } from "../base/files.ts";

/** What comes out of a pipe or terminal, until its end; an error of the kernel's is thrown. For one reader. */
export interface DescriptorReader extends AsyncIterable<Uint8Array> {
  /**
   * Has the reading end also where somebody could still write: as soon as nothing is there any more, and where somebody
   * goes on to write, after more than was there. All that was written before this call is read first. For a
   * descriptor with such writers; repeatable.
   */
  finish(): void;
  /** Ends the reading now, and closes the descriptor; repeatable. */
  close(): void;
}

/** The one call of Bun that is used: it waits for a descriptor with epoll, and Node's streams there do not. */
interface BunFiles {
  file(fd: number): { stream(): ReadableStream<Uint8Array> };
}

declare const Bun: BunFiles;

/** As much as is read at once; a terminal holds less. */
const PIECE_BYTES = 64 << 10;

/** More than was written and not read yet when a reading is to end: what is read ahead, and a pipe of usual size. */
const LEFT_BYTES = 4 << 20;

/**
 * Reads a descriptor that does not block, and owns it from now on. Nothing polls and no thread waits: idle ones
 * cost nothing. Reads ahead by some hundred kilobytes at most while nobody takes what was read.
 */
export function readDescriptor(fd: number): DescriptorReader {
  return new StreamReader(fd);
}

type Chunk = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>>;

class StreamReader implements DescriptorReader {
  readonly #fd: number;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #open = true;
  #finishing = false;
  /** What has been read since. */
  #left = 0;
  #wake: () => void = () => {};

  constructor(fd: number) {
    this.#fd = fd;
    this.#reader = Bun.file(fd).stream().getReader();
  }

  finish(): void {
    this.#finishing = true;
    this.#wake();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    // The stream reads from a copy of its own, which it lets go.
    const closeFd = () => fs.closeSync(this.#fd);
    this.#reader.cancel().then(closeFd, closeFd);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    while (this.#open && this.#left < LEFT_BYTES) {
      const next = new Pending(this.#reader.read());
      await this.#comesOrFinishes(next);
      while (this.#finishing && (await next.isWaiting()) && this.#open) {
        // The stream waits, and so has nothing that it has read ahead: what is there now comes next.
        const data = this.#left < LEFT_BYTES ? readNow(this.#fd) : undefined;
        if (data === undefined) return;
        yield this.#counted(data);
      }
      const { done, value } = await next.result;
      if (done) return;
      yield this.#counted(value);
    }
  }

  #counted(data: Uint8Array): Uint8Array {
    if (this.#finishing) this.#left += data.length;
    return data;
  }

  /** A promise that is raced anew for each chunk would remember all of them. */
  #comesOrFinishes(next: Pending): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      next.result.then(
        () => resolve(),
        () => resolve(),
      );
      if (this.#finishing) resolve();
    });
  }
}

/** A read of the stream that is under way. */
class Pending {
  readonly result: Promise<Chunk>;
  #has = false;

  constructor(result: Promise<Chunk>) {
    this.result = result;
    const settled = () => {
      this.#has = true;
    };
    result.then(settled, settled);
  }

  /** Whether it has nothing to give, a turn of the event loop from now: what was read ahead is given within one. */
  async isWaiting(): Promise<boolean> {
    await new Promise<void>((resolve) => void setImmediate(resolve));
    return !this.#has;
  }
}

/** What is there; undefined where that is nothing, or the end. */
function readNow(fd: number): Uint8Array | undefined {
  const piece = new Uint8Array(PIECE_BYTES);
  try {
    const length = fs.readSync(fd, piece);
    return length === 0 ? undefined : piece.subarray(0, length);
  } catch (err) {
    // Nothing, or a terminal that nobody has open any more.
    if (errnoOf(err) === "EAGAIN" || errnoOf(err) === "EIO") return undefined;
    throw err;
  }
}
