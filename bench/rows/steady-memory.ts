import { sleep } from "../../src/base/deadline.ts";
import { compare, type Figure } from "../comparison.ts";
import type { BenchLab } from "../lab.ts";
import { endAll, runningContainer } from "../life.ts";
import { memoryOf } from "../process-cost.ts";
import type { Row } from "../result.ts";
import { inRounds } from "../rounds.ts";
import type { Shim } from "../shims.ts";
import { IDLE_MS } from "./idle-memory.ts";

const STATES = 10_000;
const EXECS = 1_000;

type Key = "first" | "states" | "execs";

const FIGURES: readonly Figure<Key>[] = [
  { key: "first", title: "at first", unit: "MB" },
  { key: "states", title: `after ${STATES.toLocaleString("en")} State calls`, unit: "MB" },
  { key: "execs", title: `and ${EXECS.toLocaleString("en")} further processes`, unit: "MB" },
];

/** Whether a shim grows by what it does. */
export const steadyMemory: Row = {
  name: "steady-memory",
  async run(lab) {
    const rounds = { name: "steady-memory", subjects: lab.shims, usual: 1 };
    const samples = await inRounds(lab, rounds, (shim) => sample(lab, shim));
    return {
      title: "Memory after much work",
      how: `What is in no file (Pss_Anon) of a shim with one container, each time ${IDLE_MS / 1000} s later.`,
      tables: compare(FIGURES, samples, lab.reference),
    };
  },
};

async function sample(lab: BenchLab, shim: Shim): Promise<Record<Key, number>> {
  const container = await runningContainer(lab, shim);
  const look = async () => {
    await sleep(IDLE_MS, lab.signal);
    return memoryOf(container.shimPid).anonymous / 1e6;
  };
  const first = await look();
  lab.progress(`steady-memory: State, ${shim.label}`);
  for (let call = 0; call < STATES; call++) await container.state();
  const states = await look();
  for (let index = 0; index < EXECS; index++) {
    lab.progress(`steady-memory: process ${index + 1} of ${EXECS}, ${shim.label}`);
    const id = `e${index}`;
    await container.exec(id, ["true"]);
    await container.run(id);
    await container.wait(id);
    await container.delete(id);
  }
  const execs = await look();
  await endAll([container]);
  return { first, states, execs };
}
