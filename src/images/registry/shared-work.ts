import { abortable } from "../../base/deadline.ts";
import { StatusCode, StatusError } from "../../base/status.ts";

interface Running<T> {
  readonly promise: Promise<T>;
  readonly aborter: AbortController;
  waiting: number;
}

/** Work in this process that all who ask for the same meanwhile wait for, and that is aborted when none is left. */
export class SharedWork<T> {
  readonly #running = new Map<string, Running<T>>();

  /** Does the work under a key, or waits for whoever does; no longer than the signal. */
  async do(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const running = this.#running.get(key) ?? this.#begin(key, work);
    running.waiting += 1;
    try {
      return await abortable(running.promise, signal);
    } finally {
      running.waiting -= 1;
      if (running.waiting === 0) this.#end(key, running);
    }
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<T>): Running<T> {
    const aborter = new AbortController();
    const running = { promise: work(aborter.signal), aborter, waiting: 0 };
    this.#running.set(key, running);
    return running;
  }

  #end(key: string, running: Running<T>): void {
    if (this.#running.get(key) === running) this.#running.delete(key);
    running.aborter.abort(new StatusError(StatusCode.cancelled, "nobody waits for it any more"));
  }
}
