import type { Writable } from "node:stream";

/** A frame from this size on is written as it is: to copy it beside others would cost more than a write saves. */
const LARGE_BYTES = 16 << 10;

/** What is gathered at most. */
const GATHERED_BYTES = 64 << 10;

/**
 * Writes the first frame of a turn of the event loop at once, so that it waits for nothing, and those that follow in the
 * same turn together: a write costs a system call and wakes the peer, which was a third of the time of a small call
 * where many are under way (64 of them: 44 → 60 thousand a second).
 */
export class Outbox {
  readonly #stream: Writable;
  #frames: Uint8Array[] = [];
  #bytes = 0;
  /** A frame was written in this turn, at whose end what is gathered is written. */
  #gathering = false;

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
    if (!this.#gathering) this.#gather();
    if (this.#bytes >= GATHERED_BYTES || frame.length >= LARGE_BYTES) this.flush();
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

  #gather(): void {
    this.flush();
    this.#gathering = true;
    // Runs when all that follows from what was read (promises upon promises) has run.
    process.nextTick(() => {
      this.#gathering = false;
      if (!this.#stream.destroyed) this.flush();
    });
  }
}
