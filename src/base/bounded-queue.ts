import { type Deferred, deferred } from "./deferred.ts";

/**
 * A queue between a producer that must not run ahead and a consumer that reads at its own pace. `push` is
 * pending while `capacity` items wait; `end` closes it once what is in it was read, `fail` at once.
 */
export class BoundedQueue<T> implements AsyncIterable<T> {
  readonly #capacity: number;
  #items: T[] = [];
  #ending: { readonly error?: unknown } | undefined;
  #readers: Deferred<IteratorResult<T, undefined>>[] = [];
  #writers: Deferred<void>[] = [];

  /** @param capacity how many items may wait unread; at least 1 */
  constructor(capacity: number) {
    if (!(capacity >= 1)) throw new RangeError(`queue capacity must be at least 1, not ${capacity}`);
    this.#capacity = capacity;
  }

  /** How many items wait to be read. */
  get size(): number {
    return this.#items.length;
  }

  /**
   * Takes an item in without waiting, and says whether there was room: `false` means that it was not taken
   * (the queue is full, or has ended).
   */
  offer(item: T): boolean {
    if (this.#ending !== undefined) return false;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: item });
      return true;
    }
    if (this.#items.length >= this.#capacity) return false;
    this.#items.push(item);
    return true;
  }

  /** Adds an item, waiting for room. Resolves to `false` when the queue ended before the item was taken. */
  async push(item: T): Promise<boolean> {
    while (!this.offer(item)) {
      if (this.#ending !== undefined) return false;
      const room = deferred();
      this.#writers.push(room);
      await room.promise;
    }
    return true;
  }

  /** No more items: readers get what is left, then `done`. The first of `end` and `fail` wins. */
  end(): void {
    this.#finish({});
  }

  /** Drops what is left; readers get the error. The first of `end` and `fail` wins. */
  fail(error: unknown): void {
    if (this.#ending === undefined) this.#items = [];
    this.#finish({ error });
  }

  /** The next item, `done` after the end, a rejection after a failure. */
  next(): Promise<IteratorResult<T, undefined>> {
    const item = this.#items.shift();
    if (item !== undefined) {
      this.#writers.shift()?.resolve();
      return Promise.resolve({ done: false, value: item });
    }
    if (this.#ending !== undefined) return settled(this.#ending);
    const reader = deferred<IteratorResult<T, undefined>>();
    this.#readers.push(reader);
    return reader.promise;
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return { next: () => this.next() };
  }

  #finish(ending: { readonly error?: unknown }): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    for (const reader of this.#readers) settled<T>(ending).then(reader.resolve, reader.reject);
    for (const writer of this.#writers) writer.resolve();
    this.#readers = [];
    this.#writers = [];
  }
}

function settled<T>(ending: { readonly error?: unknown }): Promise<IteratorResult<T, undefined>> {
  if ("error" in ending) return Promise.reject(ending.error);
  return Promise.resolve({ done: true, value: undefined });
}
