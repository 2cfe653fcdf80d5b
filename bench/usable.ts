import { dim, say } from "../demo/paint.ts";
import { StatusError } from "../src/base/status.ts";
import type { Shim } from "./shims.ts";

/**
 * The shims for which a try succeeds; says of each other why it is left out: shims of newer daemons answer in words
 * that older ones do not know.
 */
export async function usable(
  shims: readonly Shim[],
  attempt: (shim: Shim) => Promise<void>,
  tell = (line: string) => say(dim(line)),
): Promise<Shim[]> {
  const found: Shim[] = [];
  for (const shim of shims) {
    try {
      await attempt(shim);
      found.push(shim);
    } catch (error) {
      tell(`${shim.label} is left out: ${StatusError.from(error).message}`);
    }
  }
  return found;
}
