import { abortable } from "../../base/deadline.ts";
import { type Deferred, deferred } from "../../base/deferred.ts";

/** Lets so many go on at once; the others wait for their turn, first come, first served. */
export class Slots {
  #free: number;
  readonly #waiting: Deferred<void>[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Takes a slot, or waits for one until the signal aborts. What it resolves to gives the slot back, once. */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    let taken = true;
    return () => {
      if (taken) this.#giveBack();
      taken = false;
    };
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const turn = deferred();
    this.#waiting.push(turn);
    try {
      await abortable(turn.promise, signal);
    } catch (thrown) {
      const at = this.#waiting.indexOf(turn);
      // One that was given its turn in the very moment has it for nothing.
      if (at === -1) this.#giveBack();
      else this.#waiting.splice(at, 1);
      throw thrown;
    }
  }

  #giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next.resolve();
  }
}
