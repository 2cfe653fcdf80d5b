import { sleep } from "../../base/deadline.ts";
import { StatusError } from "../../base/status.ts";

/** How long to wait between attempts, in milliseconds: the first time, and at most. */
export interface BackOff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** The wait after so many failed attempts (1 for the first): doubled each time, up to the most. */
export function backOffMs({ firstMs, maxMs }: BackOff, attempts: number): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(attempts - 1, 30));
}

/** What a queue tells of its work. Must not throw. */
export interface QueueListener {
  readonly onProblem: (error: StatusError, attempts: number) => void;
  readonly onDone: () => void;
}

/**
 * The work that has to be done for one container, one thing after the other, each until it succeeds. Every container
 * has a queue of its own, so one that will not go delays no other.
 */
export class RetryQueue {
  readonly #backOff: BackOff;
  readonly #listener: QueueListener;
  readonly #closing = new AbortController();
  #tail: Promise<void> = Promise.resolve();
  #waiting = new AbortController();

  constructor(backOff: BackOff, listener: QueueListener) {
    this.#backOff = backOff;
    this.#listener = listener;
  }

  /** Does the work after all that was added before; resolves when it has succeeded. Rejects once the queue is closed. */
  add(work: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(() => this.#untilDone(work));
    this.#tail = done.catch(() => {});
    return done;
  }

  /** Ends the wait for the next attempt, where there is one. */
  hurry(): void {
    this.#waiting.abort();
  }

  /** Ends after the attempt that is under way; what was not done stays undone. */
  close(reason: StatusError): void {
    this.#closing.abort(reason);
    this.hurry();
  }

  async #untilDone(work: () => Promise<void>): Promise<void> {
    for (let attempts = 1; ; attempts += 1) {
      this.#closing.signal.throwIfAborted();
      try {
        await work();
        this.#listener.onDone();
        return;
      } catch (error) {
        this.#listener.onProblem(StatusError.from(error), attempts);
        await this.#pause(attempts);
      }
    }
  }

  async #pause(attempts: number): Promise<void> {
    this.#waiting = new AbortController();
    // A hurry ends the wait; whether to go on is for the loop to say.
    await sleep(backOffMs(this.#backOff, attempts), this.#waiting.signal).catch(() => {});
  }
}
