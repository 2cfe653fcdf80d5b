import { Duplex } from "node:stream";

/** One end of a pair. What is written here is read there, with back-pressure, as over a socket. */
class PairEnd extends Duplex {
  #peer: PairEnd | undefined;
  #taken: (() => void) | undefined;

  join(peer: PairEnd): void {
    this.#peer = peer;
  }

  override _read(): void {
    // The peer's write counts as done once its chunk is asked for, so that a peer that does not read holds it up.
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    if (this.#peer === undefined || this.#peer.destroyed) done(brokenPipe());
    else this.#peer.#deliver(chunk, done);
  }

  override _final(done: () => void): void {
    if (this.#peer !== undefined && !this.#peer.destroyed) this.#peer.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const peer = this.#peer;
    this.#peer = undefined;
    this.#taken?.();
    this.#taken = undefined;
    if (peer !== undefined && !peer.destroyed && !peer.readableEnded) queueMicrotask(() => peer.#hangUp());
    done(error);
  }

  #deliver(chunk: Uint8Array, done: () => void): void {
    if (this.push(chunk)) queueMicrotask(done);
    else this.#taken = done;
  }

  #hangUp(): void {
    if (!this.destroyed) this.push(null);
  }
}

function brokenPipe(): Error {
  return Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
}

/**
 * Two streams joined back to back, for a client and a server in one process. Destroying one ends the other, as
 * the close of a socket does.
 */
export function memoryPair(): [Duplex, Duplex] {
  const options = { allowHalfOpen: false, autoDestroy: true };
  const left = new PairEnd(options);
  const right = new PairEnd(options);
  left.join(right);
  right.join(left);
  return [left, right];
}
