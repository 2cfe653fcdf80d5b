import { abortable, deadline } from "../base/deadline.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { StatusCode, StatusError } from "../base/status.ts";

/**
 * The latest of a sequence of things, kept up to a bound, for any number of readers. Every reader sees all of
 * them in order, from the oldest that is kept; one that falls behind the bound gets `resourceExhausted`.
 */
export class EventLog<T> implements AsyncIterable<T> {
  readonly #capacity: number;
  #kept: T[] = [];
  #first = 0;
  #ended = false;
  #news: Deferred<void> = deferred();

  /** @param capacity how many are kept; at least 1 */
  constructor(capacity: number) {
    if (!(capacity >= 1)) throw new RangeError(`capacity must be at least 1, not ${capacity}`);
    this.#capacity = capacity;
  }

  /** Those that are kept, oldest first. */
  get kept(): readonly T[] {
    return this.#kept;
  }

  /** Adds one; the oldest goes where the bound is reached. */
  add(item: T): void {
    if (this.#ended) return;
    this.#kept.push(item);
    if (this.#kept.length > this.#capacity) {
      this.#kept.shift();
      this.#first += 1;
    }
    this.#wake();
  }

  /** No more come: readers end after the last one. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /**
   * The first one, of those kept and those to come, for which the predicate holds. Rejects with
   * `deadlineExceeded` after `timeoutMs`, naming `what`, and with `unavailable` when the log ends before.
   */
  async waitFor(predicate: (item: T) => boolean, timeoutMs: number, what = "event"): Promise<T> {
    const time = deadline(timeoutMs, `waiting for ${what}`);
    try {
      for (let at = this.#first; ; ) {
        for (; at < this.#first + this.#kept.length; at += 1) {
          const item = this.#kept[at - this.#first];
          if (item !== undefined && predicate(item)) return item;
        }
        if (this.#ended)
          throw new StatusError(StatusCode.unavailable, `no more events while waiting for ${what}`);
        await abortable(this.#news.promise, time.signal);
        at = Math.max(at, this.#first);
      }
    } finally {
      time.cleanup();
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (let at = this.#first; ; at += 1) {
      while (at >= this.#first + this.#kept.length) {
        if (this.#ended) return;
        await this.#news.promise;
      }
      const item = this.#kept[at - this.#first];
      if (at < this.#first || item === undefined) {
        const message = `reading too slowly: ${this.#first - at} of more than ${this.#capacity} events are gone`;
        throw new StatusError(StatusCode.resourceExhausted, message);
      }
      yield item;
    }
  }

  #wake(): void {
    const { resolve } = this.#news;
    this.#news = deferred();
    resolve();
  }
}
