import { compare, type Figure } from "../comparison.ts";
import type { BenchLab } from "../lab.ts";
import { plainStart, type StartTimes } from "../life.ts";
import type { ResultTable, Row } from "../result.ts";
import { inRounds } from "../rounds.ts";

const FIGURES: readonly Figure<keyof StartTimes>[] = [
  { key: "printed", title: "`start` has answered", unit: "ms", p99: true },
  { key: "answered", title: "the shim has answered", unit: "ms", p99: true },
];

/** How long a shim takes until it can be asked something. */
export const launch: Row = {
  name: "launch",
  async run(lab) {
    return {
      title: "A shim's start",
      how: "The daemon's `start` of a new shim, until it has printed the address, and until the shim there has answered its first call, Connect.",
      tables: await tablesOfStarts(lab, "launch"),
    };
  },
};

/** Starts of shims; `name` is what is shown while they are measured. */
export async function tablesOfStarts(lab: BenchLab, name: string): Promise<readonly ResultTable[]> {
  const rounds = { name, subjects: lab.shims, usual: 50, warmUp: 2 };
  const samples = await inRounds(lab, rounds, (shim) => plainStart(lab, shim));
  return compare(FIGURES, samples, lab.reference);
}
