import { sleep } from "./deadline.ts";

/** How soon it is looked again, in milliseconds: at first, and then ever later. */
const PAUSE_MS = { first: 1, last: 10 };

/** Looks until something is no longer so, for at most `ms` milliseconds; says whether it came to that. */
export async function waitUntilNot(isSo: () => boolean | Promise<boolean>, ms: number): Promise<boolean> {
  const until = performance.now() + ms;
  for (let pause = PAUSE_MS.first; await isSo(); pause = Math.min(2 * pause, PAUSE_MS.last)) {
    if (performance.now() >= until) return false;
    await sleep(pause);
  }
  return true;
}
