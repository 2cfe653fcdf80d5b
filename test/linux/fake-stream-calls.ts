import { errnoError } from "../../src/linux/errno.ts";
import type { Pipe, StreamCalls, WindowSize } from "../../src/linux/stream-calls.ts";

/** Writes down the calls it gets. Nothing reaches the kernel: there is no terminal, and no descriptor to be had. */
export class FakeStreamCalls implements StreamCalls {
  readonly #calls: string[];

  constructor(calls: string[]) {
    this.#calls = calls;
  }

  pipe(): Pipe {
    throw errnoError("make a pipe", 24);
  }

  isAtEnd(): boolean {
    return false;
  }

  listenUnix(path: string): number {
    throw errnoError(`bind ${path}`, 24);
  }

  accept(): undefined {}

  receiveDescriptor(): undefined {}

  setWindowSize(master: number, { columns, rows }: WindowSize): void {
    this.#calls.push(`size of ${master} ${columns}x${rows}`);
  }

  openPeer(): number {
    throw errnoError("open the terminal of a master", 25);
  }

  duplicate(fd: number): number {
    throw errnoError(`duplicate descriptor ${fd}`, 24);
  }

  setNonBlocking(fd: number): void {
    this.#calls.push(`non-blocking ${fd}`);
  }
}
