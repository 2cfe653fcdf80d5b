import { type Deferred, deferred } from "../base/deferred.ts";

type Result = IteratorResult<Uint8Array, undefined>;

/** How an inbox ended: with an error, or (without one) when all was read. */
interface Ending {
  readonly error?: unknown;
}

/** How much may wait in an inbox. */
export interface InboxBounds {
  readonly maxUnreadMessages: number;
  readonly maxUnreadBytes: number;
}

/**
 * The messages of one stream that have come and were not read. It takes whatever it is given (the connection
 * must hold back while `room` is pending) and is ended once, by `end` or `fail`; the first wins.
 */
export class Inbox implements AsyncIterable<Uint8Array> {
  readonly #bounds: InboxBounds;
  #messages: Uint8Array[] = [];
  #bytes = 0;
  #readers: Deferred<Result>[] = [];
  #room: Deferred<void> | undefined;
  #ending: Ending | undefined;
  #discarding = false;

  constructor(bounds: InboxBounds) {
    this.#bounds = bounds;
  }

  /** Undefined while there is room; else a promise that resolves, and never rejects, when there is again. */
  get room(): Promise<void> | undefined {
    if (!this.#full) return undefined;
    this.#room ??= deferred();
    return this.#room.promise;
  }

  get #full(): boolean {
    if (this.#ending !== undefined || this.#discarding) return false;
    const { maxUnreadMessages, maxUnreadBytes } = this.#bounds;
    return this.#messages.length >= maxUnreadMessages || this.#bytes >= maxUnreadBytes;
  }

  /** Adds a message. After the end, or when nobody reads any more, it is dropped. */
  put(message: Uint8Array): void {
    if (this.#ending !== undefined || this.#discarding) return;
    const reader = this.#readers.shift();
    if (reader === undefined) {
      this.#messages.push(message);
      this.#bytes += message.length;
    } else {
      reader.resolve({ done: false, value: message });
    }
  }

  /** No more messages: readers get what is left, then `done`. */
  end(): void {
    this.#finish({});
  }

  /** No more messages. Readers still get what came before the error, then the error, each time they ask. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** Nobody reads any more: forgets what waits and whatever still comes. */
  discard(): void {
    this.#discarding = true;
    this.#messages = [];
    this.#bytes = 0;
    this.#tellRoom();
  }

  /** The next message, `done` after the end, a rejection after a failure. */
  next(): Promise<Result> {
    const message = this.#messages.shift();
    if (message !== undefined) {
      this.#bytes -= message.length;
      this.#tellRoom();
      return Promise.resolve({ done: false, value: message });
    }
    if (this.#ending !== undefined) return settled(this.#ending);
    const reader = deferred<Result>();
    this.#readers.push(reader);
    return reader.promise;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return { next: () => this.next() };
  }

  #finish(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    for (const reader of this.#readers) settled(ending).then(reader.resolve, reader.reject);
    this.#readers = [];
    this.#tellRoom();
  }

  #tellRoom(): void {
    if (this.#room === undefined || this.#full) return;
    this.#room.resolve();
    this.#room = undefined;
  }
}

function settled(ending: Ending): Promise<Result> {
  if ("error" in ending) return Promise.reject(ending.error);
  return Promise.resolve({ done: true, value: undefined });
}
