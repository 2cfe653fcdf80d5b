import fs from "node:fs";
import { until } from "../../lab/until.ts";
import { sleep } from "../../src/base/deadline.ts";

/** Long enough for a process that can write to have written. */
const QUIET_MS = 200;

/**
 * Waits until a process that does nothing but write cannot go on; how many bytes it has written by then, which is not the
 * same everywhere: a fifo holds less where its user has many (pipe(7)).
 */
export function untilStalled(pid: number): Promise<number> {
  let before = 0;
  return until(`a process that cannot write on (pid ${pid})`, async () => {
    const last = before;
    before = Number(/wchar: (\d+)/.exec(fs.readFileSync(`/proc/${pid}/io`, "utf8"))?.[1]);
    if (last > 0 && before === last) return before;
    await sleep(QUIET_MS);
    return undefined;
  });
}
