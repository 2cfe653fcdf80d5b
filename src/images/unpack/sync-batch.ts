import { type Deferred, deferred } from "../../base/deferred.ts";

/**
 * Has what several pieces of work have written synced at once, when none of them is under way any more: so that a
 * file system is synced once for all of them.
 */
export class SyncBatch {
  readonly #sync: () => Promise<void>;
  #running = 0;
  #waiting: Deferred<void> | undefined;

  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** Does some work; resolves when what it has written is synced. What failed is not waited for by the others. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#running += 1;
    let synced: Promise<void> | undefined;
    const result = await work()
      .then((done) => {
        this.#waiting ??= deferred();
        synced = this.#waiting.promise;
        return done;
      })
      .finally(() => this.#leave());
    await synced;
    return result;
  }

  #leave(): void {
    this.#running -= 1;
    const waiting = this.#waiting;
    if (this.#running > 0 || waiting === undefined) return;
    this.#waiting = undefined;
    this.#sync().then(waiting.resolve, waiting.reject);
  }
}
