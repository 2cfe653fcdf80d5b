import { setTimeout as sleep } from "node:timers/promises";

/**
 * Looks again and again until `look` returns something other than undefined, and returns that. For facts of
 * the kernel or of other programs that nobody announces. Throws after `limitMs` (20 seconds where it is
 * missing), naming `what`.
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  limitMs = 20_000,
): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited ${limitMs} ms for ${what}`);
    await sleep(20);
  }
}
