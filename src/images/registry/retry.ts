import { sleep } from "../../base/deadline.ts";
import { PassingError } from "./http-error.ts";
import type { RegistryLimits } from "./settings.ts";

/** Counts what went wrong with one request, and waits before the next attempt. */
export class Retry {
  readonly #limits: RegistryLimits;
  readonly #signal: AbortSignal;
  readonly #onRetry: ((failure: PassingError) => void) | undefined;
  #failures = 0;

  /** @param onRetry hears what went wrong before the wait */
  constructor(limits: RegistryLimits, signal: AbortSignal, onRetry?: (failure: PassingError) => void) {
    this.#limits = limits;
    this.#signal = signal;
    this.#onRetry = onRetry;
  }

  /** Waits until it is time to try again. Throws what was thrown where that would not help, or has not so far. */
  async after(thrown: unknown): Promise<void> {
    const { retries, backoffMs } = this.#limits;
    if (!(thrown instanceof PassingError) || this.#failures >= retries) throw thrown;
    this.#onRetry?.(thrown);
    await sleep(backoffMs * 2 ** this.#failures++, this.#signal);
  }

  /** Forgets what went wrong, as it went on since. */
  forget(): void {
    this.#failures = 0;
  }
}

/** Does something until it works, as often as the limits have it. */
export async function retrying<T>(
  limits: RegistryLimits,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const retry = new Retry(limits, signal);
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      await retry.after(thrown);
    }
  }
}
