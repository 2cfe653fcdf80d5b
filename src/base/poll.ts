import { sleep } from "./deadline.ts";

/**
 * How soon it is looked again, in milliseconds: at first, then after twice as long each time. `short` is soon for what is
 * over in a moment, and who has waited for longer waits a tenth of that more at most; `last` is as long as it gets.
 */
const PAUSE_MS = { first: 1, short: 10, last: 1_000 };

/** Looks until something is no longer so, for at most `ms` milliseconds; says whether it came to that. */
export async function waitUntilNot(isSo: () => boolean | Promise<boolean>, ms: number): Promise<boolean> {
  const began = performance.now();
  for (let pause = PAUSE_MS.first; await isSo(); ) {
    const waited = performance.now() - began;
    if (waited >= ms) return false;
    await sleep(Math.min(pause, ms - waited));
    pause = Math.min(2 * pause, Math.max(PAUSE_MS.short, waited / 10), PAUSE_MS.last);
  }
  return true;
}
