/** When a server counts as used, and what follows where it is not. */
export interface UnusedOptions {
  readonly limitMs: number;
  /** Whether it has anything that somebody will ask for, whoever has called it last. */
  isNeeded(): boolean;
  onUnused(): void;
}

/**
 * Tells, once, that a server has had nothing to serve and no call for so long that nobody is about to use it: a daemon
 * that was killed while it started a container, or deleted one, does not know of its shim any more, or has no
 * container by which it would ask it to end.
 */
export class Unused {
  readonly #options: UnusedOptions;
  #lastUse = performance.now();
  #timer: NodeJS.Timeout;

  constructor(options: UnusedOptions) {
    this.#options = options;
    this.#timer = this.#lookIn(options.limitMs);
  }

  /** To be told of each connection, and of the beginning and the end of each call. */
  called(): void {
    this.#lastUse = performance.now();
  }

  /** Tells nothing any more. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #lookIn(ms: number): NodeJS.Timeout {
    const { limitMs, isNeeded, onUnused } = this.#options;
    const timer = setTimeout(() => {
      if (isNeeded()) this.called();
      const left = this.#lastUse + limitMs - performance.now();
      if (left > 0) this.#timer = this.#lookIn(left);
      else onUnused();
    }, ms);
    timer.unref();
    return timer;
  }
}
