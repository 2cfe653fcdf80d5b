import type { Duplex } from "node:stream";
import { type Deferred, deferred } from "../base/deferred.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { type Frame, FrameDecoder, HEADER_LENGTH, MAX_DATA_LENGTH, type OversizedFrame } from "./frame.ts";
import type { Limits } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import { oversizedError } from "./status.ts";

/** Who gets what a connection reads. Neither may throw. */
export interface FrameReceiver {
  /** A frame has come. A promise holds the next one back until it is settled; it must never reject. */
  readonly onFrame: (frame: Frame | OversizedFrame) => Promise<void> | undefined;
  /** The connection has ended; called once, nothing follows. */
  readonly onEnd: (reason: StatusError) => void;
}

/** Who sends a frame; where they have finished when its turn comes, it is not sent. */
export interface Sender {
  readonly finished: boolean;
}

/** A frame that waits for the peer to take what was written before it. */
interface Waiting {
  readonly frame: Uint8Array;
  readonly sender: Sender | undefined;
  readonly written: Deferred<void>;
}

/**
 * Frames over a stream, in both directions: the one place that touches the socket. Whatever ends it (the peer's
 * close, an error, `end`) goes through one door, and the first cause is the reason everybody gets.
 */
export class FrameConnection {
  /** Resolves, once, with why the connection ended; never rejects. */
  readonly closed: Promise<StatusError>;
  readonly #stream: Duplex;
  readonly #limits: Limits;
  readonly #receiver: FrameReceiver;
  readonly #decoder = new FrameDecoder();
  readonly #closed = deferred<StatusError>();
  #reason: StatusError | undefined;
  readonly #outbox: Outbox;
  /** Frames that have come, of which those before `#next` were delivered; of several chunks only while held. */
  #unread: (Frame | OversizedFrame)[] = [];
  #next = 0;
  #held = false;
  #finishing = false;
  /** The peer has ended, which counts when all that it had sent is delivered. */
  #ending: StatusError | undefined;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #caughtUp: Deferred<void> | undefined;
  /** Runs while too much waits. */
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(stream: Duplex, limits: Limits, receiver: FrameReceiver) {
    this.#stream = stream;
    this.#limits = limits;
    this.#receiver = receiver;
    this.#outbox = new Outbox(stream);
    this.closed = this.#closed.promise;
    // Stays for good: a stream may report an error after it was destroyed, and nobody else would catch it.
    stream.on("error", (err) => this.end(lost(err)));
    stream.on("close", () => this.#peerEnded(lost()));
    stream.on("end", () => this.#peerEnded(this.#decoder.atBoundary ? lost() : cutShort()));
    stream.on("drain", () => this.#drain());
    stream.on("data", (chunk) => this.#read(chunk));
    if (stream.destroyed) this.end(lost());
  }

  /** Why the connection ended, or undefined while it lives. */
  get reason(): StatusError | undefined {
    return this.#reason;
  }

  /**
   * Undefined while the peer takes what is written; else a promise that resolves, and never rejects, when it
   * has caught up or the connection has ended.
   */
  get caughtUp(): Promise<void> | undefined {
    if (!this.#behind || this.#reason !== undefined || this.#ending !== undefined) return undefined;
    this.#caughtUp ??= deferred();
    return this.#caughtUp.promise;
  }

  get #behind(): boolean {
    return this.#waiting.length > 0 || this.#congested;
  }

  get #congested(): boolean {
    // Only a stream that owes a "drain" will ever say that it has caught up.
    return this.#stream.writableNeedDrain && this.#stream.writableLength > this.#limits.writeAheadBytes;
  }

  /** Throws `resourceExhausted` where with so many bytes more too much would wait for the peer. */
  checkRoom(bytes: number): void {
    if (this.#reason !== undefined || !this.#behind) return;
    if (this.#unwritten + bytes > this.#limits.maxUnwrittenBytes) {
      const message = `more than ${this.#limits.maxUnwrittenBytes} bytes wait for a peer that does not read`;
      throw new StatusError(StatusCode.resourceExhausted, message);
    }
  }

  /**
   * Writes the bytes of a frame, in the order of the calls. Where the peer takes it: undefined. Else frames wait
   * here, and the promise resolves (it never rejects) when this one was given to the stream, or was dropped because
   * the connection has ended or its sender has finished. Throws `resourceExhausted` (at once, nothing
   * sent) for a frame over the protocol's limit; the reason after the end. Where too much waits the connection ends
   * unless the peer takes some of it.
   */
  send(frame: Uint8Array, sender?: Sender): Promise<void> | undefined {
    if (this.#reason !== undefined) throw this.#reason;
    const length = frame.length - HEADER_LENGTH;
    if (length > MAX_DATA_LENGTH) throw oversizedError(length, MAX_DATA_LENGTH);
    if (!this.#behind) {
      this.#outbox.put(frame);
      return undefined;
    }
    const written = deferred();
    this.#waiting.push({ frame, sender, written });
    this.#waitingBytes += frame.length;
    this.#limitPatience();
    return written.promise;
  }

  /** Drops the frames of a sender that has finished, of which some may wait. */
  drop(sender: Sender): void {
    const dropped = this.#waiting.filter((one) => one.sender === sender);
    if (dropped.length === 0) return;
    this.#waiting = this.#waiting.filter((one) => one.sender !== sender);
    for (const { frame, written } of dropped) {
      this.#waitingBytes -= frame.length;
      written.resolve();
    }
    this.#tellCaughtUp();
  }

  /** Ends the connection at once; what the stream has not taken is dropped. Only the first reason counts. */
  end(reason: StatusError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    clearTimeout(this.#patience);
    this.#unread = [];
    if (!this.#stream.destroyed) this.#outbox.flush();
    this.#stream.destroy();
    for (const { written } of this.#waiting) written.resolve();
    this.#waiting = [];
    this.#caughtUp?.resolve();
    this.#receiver.onEnd(reason);
    this.#closed.resolve(reason);
  }

  /**
   * Reads no more, and ends the connection when the peer has taken all that was written; resolves then, also
   * where it is lost.
   */
  async finish(reason: StatusError): Promise<void> {
    this.#finishing = true;
    // What was to be delivered before this counts is not delivered any more.
    if (this.#ending !== undefined) this.end(this.#ending);
    while (this.#waiting.length > 0) await this.caughtUp;
    if (this.#reason === undefined) {
      this.#outbox.flush();
      this.#stream.end(() => this.end(reason));
    }
    await this.closed;
  }

  get #unwritten(): number {
    return this.#stream.writableLength + this.#outbox.bytes + this.#waitingBytes;
  }

  #read(chunk: unknown): void {
    if (this.#reason !== undefined) return;
    if (chunk instanceof Uint8Array) {
      const frames = this.#decoder.push(chunk);
      const left = this.#unread.slice(this.#next);
      this.#unread = left.length === 0 ? frames : [...left, ...frames];
      this.#next = 0;
      this.#deliver();
    } else {
      this.end(lost(new Error("the stream gives no bytes")));
    }
  }

  #deliver(): void {
    while (!this.#held && !this.#finishing && this.#reason === undefined) {
      const frame = this.#unread[this.#next];
      if (frame === undefined) {
        if (this.#ending !== undefined) this.end(this.#ending);
        return;
      }
      this.#next += 1;
      this.#holdUntil(this.#receiver.onFrame(frame));
    }
  }

  #peerEnded(reason: StatusError): void {
    // A stream that is paused may end all the same, if it had read the end before.
    this.#ending ??= reason;
    this.#caughtUp?.resolve();
    if (!this.#held || this.#finishing) this.end(this.#ending);
  }

  #holdUntil(released: Promise<void> | undefined): void {
    if (released === undefined || this.#reason !== undefined) return;
    this.#held = true;
    this.#stream.pause();
    void released.then(() => {
      this.#held = false;
      this.#deliver();
      if (!this.#held && this.#reason === undefined) this.#stream.resume();
    });
  }

  #drain(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    while (!this.#congested) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#waitingBytes -= next.frame.length;
      if (next.sender?.finished !== true) this.#outbox.put(next.frame);
      next.written.resolve();
    }
    this.#limitPatience();
    this.#tellCaughtUp();
  }

  #tellCaughtUp(): void {
    if (this.#behind) return;
    this.#caughtUp?.resolve();
    this.#caughtUp = undefined;
  }

  /** A peer that is owed too much may be busy, or have asked for all of that at once: not taking any of it is what ends it. */
  #limitPatience(): void {
    const { maxUnwrittenBytes: limit, unwrittenMs } = this.#limits;
    if (this.#patience !== undefined || this.#unwritten <= limit) return;
    this.#patience = setTimeout(() => {
      const message = `more than ${limit} bytes wait for a peer that has taken nothing for ${unwrittenMs} ms`;
      this.end(new StatusError(StatusCode.resourceExhausted, message));
    }, unwrittenMs);
  }
}

/** Codes of errors that only say that the peer is gone. */
const GONE: ReadonlySet<unknown> = new Set(["EPIPE", "ECONNRESET", "ERR_STREAM_PREMATURE_CLOSE"]);

function lost(cause?: NodeJS.ErrnoException): StatusError {
  const why =
    cause === undefined || GONE.has(cause.code) ? "by the peer" : `after an error: ${cause.message}`;
  return new StatusError(StatusCode.unavailable, `connection closed ${why}`, { cause });
}

function cutShort(): StatusError {
  return new StatusError(StatusCode.unavailable, "connection closed by the peer in the middle of a frame");
}
