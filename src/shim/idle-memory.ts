import { Quiet } from "./quiet.ts";

/**
 * How long no call may have ended before memory is given back, in milliseconds: longer than a burst of starts, whose
 * processor time this would take, and less than the ten seconds at which a kubelet asks for figures.
 */
const QUIET_MS = 8_000;

/** So many calls leave enough behind, of whatever kind they are. */
const CALLS = 200;

/**
 * Has the runtime give memory back once the calls have been quiet for a while: garbage, and what it made of code that
 * ran, which it makes again from the executable when that runs again (measured: 1.2 of 8 MB). Worth while after a
 * Create, and after many other calls; not each time that somebody has looked at a container or probed it, as what is
 * dropped costs the next of its kind some milliseconds.
 */
export class IdleMemory {
  readonly #quiet: Quiet;
  #calls = 0;

  constructor(giveBack: () => void, quietMs = QUIET_MS) {
    this.#quiet = new Quiet(quietMs, () => {
      this.#calls = 0;
      giveBack();
    });
  }

  /** To be told of each call that has ended, by its name. */
  ended(call: string): void {
    this.#quiet.noise();
    this.#calls += call === "create" ? CALLS : 1;
    if (this.#calls >= CALLS) this.#quiet.watch();
  }

  /** Gives nothing back any more: what was made of code is of use for what comes. */
  stop(): void {
    this.#quiet.stop();
    this.#calls = Number.NEGATIVE_INFINITY;
  }
}
