/** How long no call may have ended before memory is given back, in milliseconds: one container's calls come closer. */
const QUIET_MS = 2_000;

/** So many calls leave enough behind, of whatever kind they are. */
const CALLS = 200;

/**
 * Has the runtime give memory back once the calls have been quiet for a while: garbage, and what it made of code that
 * ran, which it makes again from the executable when that runs again (measured: 1.2 of 8 MB). Worth while after a
 * Create, and after many other calls; not each time that somebody has looked at a container or probed it, as what is
 * dropped costs the next of its kind some milliseconds.
 */
export class IdleMemory {
  readonly #giveBack: () => void;
  readonly #quietMs: number;
  #calls = 0;
  #lastEnd = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(giveBack: () => void, quietMs = QUIET_MS) {
    this.#giveBack = giveBack;
    this.#quietMs = quietMs;
  }

  /** To be told of each call that has ended, by its name. */
  ended(call: string): void {
    this.#lastEnd = performance.now();
    this.#calls += call === "create" ? CALLS : 1;
    if (this.#calls >= CALLS) this.#timer ??= this.#lookIn(this.#quietMs);
  }

  /** Gives nothing back any more: what was made of code is of use for what comes. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#calls = Number.NEGATIVE_INFINITY;
  }

  #lookIn(ms: number): NodeJS.Timeout {
    const timer = setTimeout(() => {
      const left = this.#lastEnd + this.#quietMs - performance.now();
      this.#timer = left > 0 ? this.#lookIn(left) : undefined;
      if (left > 0) return;
      this.#calls = 0;
      this.#giveBack();
    }, ms);
    timer.unref();
    return timer;
  }
}
