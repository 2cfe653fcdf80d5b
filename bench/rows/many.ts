import os from "node:os";
import { compare, type Figure } from "../comparison.ts";
import { BenchContainer } from "../container.ts";
import type { BenchLab } from "../lab.ts";
import { atOnce, begin, end } from "../life.ts";
import type { Row } from "../result.ts";
import { inRounds } from "../rounds.ts";
import type { Shim } from "../shims.ts";

const COUNTS = [10, 100, 300] as const;
/** As much as keeps all processors busy: half of a start is waiting. */
const AT_ONCE = 4 * os.cpus().length;

type Count = (typeof COUNTS)[number];
type Key = `begun${Count}` | `ended${Count}`;

const FIGURES: readonly Figure<Key>[] = COUNTS.flatMap((count) => [
  { key: `begun${count}` as const, title: `${count} started`, unit: "/s", better: "more" as const },
  {
    key: `ended${count}` as const,
    title: `${count} killed and deleted`,
    unit: "/s",
    better: "more" as const,
  },
]);

/** Many containers as fast as possible. */
export const many: Row = {
  name: "many",
  async run(lab) {
    const samples = await inRounds(lab, { name: "many", subjects: lab.shims, usual: 2 }, async (shim) => {
      const rates: Partial<Record<Key, number>> = {};
      for (const count of COUNTS) {
        lab.progress(`many: ${count} of ${shim.label}`);
        const [begun, ended] = await sample(lab, shim, count);
        Object.assign(rates, { [`begun${count}`]: begun, [`ended${count}`]: ended });
      }
      return rates as Record<Key, number>;
    });
    return {
      title: "Many containers",
      how: `So many containers with a shim each, ${AT_ONCE} at a time, from the call of \`start\` until their programs run; and when all do, from Kill until the shims have gone.`,
      tables: compare(FIGURES, samples, lab.reference),
    };
  },
};

/** How many a second are started, and ended. */
async function sample(lab: BenchLab, shim: Shim, count: number): Promise<[number, number]> {
  const containers: BenchContainer[] = [];
  while (containers.length < count) containers.push(await BenchContainer.prepare(lab, shim));
  const rateOf = async (work: (container: BenchContainer) => Promise<void>) => {
    const before = performance.now();
    await atOnce(AT_ONCE, containers, work);
    return (1000 * count) / (performance.now() - before);
  };
  const begun = await rateOf(begin);
  const ended = await rateOf((container) => end(container));
  for (const container of containers) await container.remove();
  return [begun, ended];
}
