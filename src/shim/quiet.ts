/** Tells, once for each {@link watch}, when something has been quiet for so long. Keeps no process alive. */
export class Quiet {
  readonly #limitMs: number;
  readonly #onQuiet: () => void;
  #lastNoise = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number, onQuiet: () => void) {
    this.#limitMs = limitMs;
    this.#onQuiet = onQuiet;
  }

  /** To be told of what is no quiet. */
  noise(): void {
    this.#lastNoise = performance.now();
  }

  /** Tells of the next quiet, which ends so long from now at the earliest. */
  watch(): void {
    this.#timer ??= this.#lookIn(this.#limitMs);
  }

  /** Tells nothing any more. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #lookIn(ms: number): NodeJS.Timeout {
    const timer = setTimeout(() => {
      const left = this.#lastNoise + this.#limitMs - performance.now();
      this.#timer = left > 0 ? this.#lookIn(left) : undefined;
      if (left <= 0) this.#onQuiet();
    }, ms);
    timer.unref();
    return timer;
  }
}
