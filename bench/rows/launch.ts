import { compare, type Figure } from "../comparison.ts";
import { BenchContainer } from "../container.ts";
import type { BenchLab } from "../lab.ts";
import type { Row } from "../result.ts";
import { inRounds } from "../rounds.ts";
import type { Shim } from "../shims.ts";

const FIGURES: readonly Figure<"answer" | "first">[] = [
  { key: "answer", title: "`start` has answered", unit: "ms", p99: true },
  { key: "first", title: "the shim has answered", unit: "ms", p99: true },
];

/** How long a shim takes until it can be asked something. */
export const launch: Row = {
  name: "launch",
  async run(lab) {
    const rounds = { name: "launch", subjects: lab.shims, usual: 50, warmUp: 2 };
    const samples = await inRounds(lab, rounds, (shim) => sample(lab, shim));
    return {
      title: "A shim's start",
      how: "The daemon's `start` of a new shim, until it has printed the address, and until the shim there has answered its first call, Connect.",
      tables: compare(FIGURES, samples, lab.reference),
    };
  },
};

async function sample(lab: BenchLab, shim: Shim): Promise<{ answer: number; first: number }> {
  const container = await BenchContainer.prepare(lab, shim);
  const begun = performance.now();
  await container.start();
  const answer = performance.now() - begun;
  await container.connect();
  const first = performance.now() - begun;
  await container.shutdown();
  await container.remove();
  return { answer, first };
}
