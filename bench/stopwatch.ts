/** Takes the times of steps that follow each other. */
export class Stopwatch<K extends string> {
  readonly #begun = performance.now();
  readonly #times: Partial<Record<K, number>> = {};

  /** Milliseconds since its beginning. */
  get total(): number {
    return performance.now() - this.#begun;
  }

  /** Does a step, and remembers how many milliseconds it took. */
  async time<T>(step: K, work: () => Promise<T>): Promise<T> {
    const before = performance.now();
    const result = await work();
    this.#times[step] = performance.now() - before;
    return result;
  }

  /** The times of the steps named; one that was not done took no time. */
  of(steps: readonly K[]): Record<K, number> {
    return Object.fromEntries(steps.map((step) => [step, this.#times[step] ?? 0])) as Record<K, number>;
  }
}
