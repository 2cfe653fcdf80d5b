import { sleep } from "../base/deadline.ts";
import type { Logger } from "../base/logger.ts";
import { hasCode, StatusCode, StatusError } from "../base/status.ts";

/** What the queue needs to know of an event: its topic (containerd's `/tasks/…`). */
export interface QueuedEvent {
  readonly topic: string;
}

/** Sends one event; rejects when the daemon did not take it. */
export type SendEvent<E extends QueuedEvent> = (event: E) => Promise<void>;

/** First and longest pause between two attempts, in milliseconds: a restarting daemon is back in about a second. */
const BACKOFF_MS = { first: 50, longest: 2_000 };

/** Without these the daemon would hold a dead task for a living one. */
const NEVER_DROPPED = new Set(["/tasks/exit", "/tasks/delete"]);

/**
 * Hands events to the daemon one at a time, in the order they were published, and keeps each until the daemon
 * has acknowledged it: while the daemon is away it tries again, with a pause. Publishing never waits.
 */
export class EventQueue<E extends QueuedEvent> {
  readonly #send: SendEvent<E>;
  readonly #logger: Logger;
  readonly #capacity: number;
  readonly #closed = new AbortController();
  #events: E[] = [];
  #sending: Promise<void> | undefined;

  constructor(options: { readonly send: SendEvent<E>; readonly logger: Logger; readonly capacity: number }) {
    this.#send = options.send;
    this.#logger = options.logger;
    this.#capacity = options.capacity;
  }

  /** Adds an event to the end. When the queue is full, the oldest that is no exit or delete gives way. */
  publish(event: E): void {
    if (this.#events.length >= this.#capacity) this.#drop();
    this.#events.push(event);
    this.#sending ??= this.#sendAll();
  }

  /** Whether an event has not been acknowledged yet. */
  get isWaiting(): boolean {
    return this.#sending !== undefined;
  }

  /** Resolves when every event has been acknowledged (or given up). */
  async flushed(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
  }

  /** Stops sending; says how many events are left behind. */
  close(): number {
    this.#closed.abort();
    return this.#events.length;
  }

  async #sendAll(): Promise<void> {
    // Who has published has an answer to give, which had better go first: 0.3 ms of each call that has an event.
    await new Promise((resolve) => setImmediate(resolve));
    let pause = BACKOFF_MS.first;
    for (let event = this.#events[0]; event !== undefined; event = this.#events[0]) {
      if (this.#closed.signal.aborted) break;
      if (await this.#attempt(event)) {
        if (this.#events[0] === event) this.#events.shift();
        pause = BACKOFF_MS.first;
      } else {
        await sleep(pause, this.#closed.signal).catch(() => {});
        pause = Math.min(pause * 2, BACKOFF_MS.longest);
      }
    }
    // In the same turn in which nothing was left: what is published from here on has to begin anew.
    this.#sending = undefined;
  }

  /** Whether the event is dealt with: taken, or refused for good. */
  async #attempt(event: E): Promise<boolean> {
    try {
      await this.#send(event);
      return true;
    } catch (thrown) {
      const err = StatusError.from(thrown);
      if (hasCode(err, StatusCode.invalidArgument) || hasCode(err, StatusCode.unimplemented)) {
        this.#logger.error("the daemon refuses an event, which is given up", { topic: event.topic, err });
        return true;
      }
      this.#logger.warn("an event waits for the daemon", {
        topic: event.topic,
        waiting: this.#events.length,
        err,
      });
      return false;
    }
  }

  #drop(): void {
    const index = this.#events.findIndex((event, i) => i > 0 && !NEVER_DROPPED.has(event.topic));
    const [dropped] = this.#events.splice(Math.max(index, 0), 1);
    this.#logger.error("the queue of events is full, the oldest is given up", {
      topic: dropped?.topic,
      capacity: this.#capacity,
    });
  }
}
