/** What a caller got who called again and again. */
export interface Calls {
  answered: number;
  readonly failures: string[];
  /** The most that `progress` moved on during one call. */
  furthest: number;
  /** How long each call took, in milliseconds; for people to read. */
  readonly times: number[];
}

/** How to call again and again. */
export interface RepeatOptions {
  readonly call: () => Promise<unknown>;
  readonly everyMs: number;
  /** Something that only grows, by which the wait for an answer is measured. */
  readonly progress: () => number;
  /** Ends it, after the call that is under way. */
  readonly signal: AbortSignal;
}

/** Calls again and again, each time when the last call was answered. */
export async function repeat({ call, everyMs, progress, signal }: RepeatOptions): Promise<Calls> {
  const calls: Calls = { answered: 0, failures: [], furthest: 0, times: [] };
  while (!signal.aborted) {
    const [before, start] = [progress(), performance.now()];
    await call().then(
      () => calls.answered++,
      (error: Error) => calls.failures.push(error.message),
    );
    calls.furthest = Math.max(calls.furthest, progress() - before);
    calls.times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  return calls;
}
