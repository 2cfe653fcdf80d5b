import type { Writable } from "node:stream";

/** A frame from this size on is written as it is: to copy it beside others would cost more than a write saves. */
const LARGE_BYTES = 16 << 10;

/** What is gathered at most. */
const GATHERED_BYTES = 64 << 10;

/**
 * Gathers the frames that are sent in one turn of the event loop and writes them as one: a write costs a system
 * call and wakes the peer, which is most of what a small call costs.
 */
export class Outbox {
  readonly #stream: Writable;
  #frames: Uint8Array[] = [];
  #bytes = 0;
  #scheduled = false;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  /** How many bytes were put in and not given to the stream. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a frame, which is given to the stream within this turn of the event loop. */
  put(frame: Uint8Array): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#bytes >= GATHERED_BYTES || frame.length >= LARGE_BYTES) this.flush();
    else if (!this.#scheduled) this.#schedule();
  }

  /** Gives all of it to the stream. */
  flush(): void {
    const frames = this.#frames;
    const [first] = frames;
    if (first === undefined) return;
    const bytes = frames.length === 1 ? first : Buffer.concat(frames, this.#bytes);
    this.#frames = [];
    this.#bytes = 0;
    this.#stream.write(bytes);
  }

  #schedule(): void {
    this.#scheduled = true;
    // Runs when all that follows from what was read (promises upon promises) has run.
    process.nextTick(() => {
      this.#scheduled = false;
      if (!this.#stream.destroyed) this.flush();
    });
  }
}
