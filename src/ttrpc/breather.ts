/** How many sends may follow each other before the event loop gets a turn. */
const SENDS = 64;

/**
 * Keeps a loop of sends that never has to wait (a fast peer, a generator that awaits nothing) from keeping
 * everything else in the process waiting: promises alone never let the event loop run.
 */
export class Breather {
  #sends = 0;

  /** Called after each send; now and then a promise that resolves when the event loop has had its turn. */
  breathe(): Promise<void> | undefined {
    this.#sends = (this.#sends + 1) % SENDS;
    return this.#sends === 0 ? new Promise((resolve) => setImmediate(resolve)) : undefined;
  }
}
