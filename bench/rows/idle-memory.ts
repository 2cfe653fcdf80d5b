import { sleep } from "../../src/base/deadline.ts";
import { compare, type Figure } from "../comparison.ts";
import type { BenchContainer } from "../container.ts";
import { interleave } from "../interleave.ts";
import type { BenchLab } from "../lab.ts";
import { endAll, runningContainer } from "../life.ts";
import { type Memory, memoryOf } from "../process-cost.ts";
import type { Row } from "../result.ts";
import type { Shim } from "../shims.ts";

const SHIMS = 20;
const POD = 4;
/** How long they are left alone first: a runtime gives back what it does not need when there is nothing to do. */
export const IDLE_MS = 3_000;

type Key = "pss" | "anonymous" | "privateDirty" | "podPss" | "podAnonymous";

const FIGURES: readonly Figure<Key>[] = [
  { key: "pss", title: `one of ${SHIMS} shims (Pss)`, unit: "MB" },
  { key: "anonymous", title: "of it in no file (Pss_Anon)", unit: "MB" },
  { key: "privateDirty", title: "written to by it alone (Private_Dirty)", unit: "MB" },
  { key: "podPss", title: `a pod's shim, for each of its ${POD} containers (Pss)`, unit: "MB" },
  { key: "podAnonymous", title: "of it in no file (Pss_Anon)", unit: "MB" },
];

/** The memory of shims that have nothing to do. */
export const idleMemory: Row = {
  name: "idle-memory",
  async run(lab) {
    const { shims: subjects, signal, reference } = lab;
    const rounds = { subjects, count: lab.rounds(3), signal };
    const samples = await interleave(rounds, async (shim, round) => {
      lab.progress(`idle-memory: round ${round + 1} of ${rounds.count}, ${shim.label}`);
      return { ...(await alone(lab, shim)), ...(await inPod(lab, shim)) };
    });
    return {
      title: "Memory when idle",
      how: `${SHIMS} shims with a running container each, ${IDLE_MS / 1000} s later, by \`/proc/PID/smaps_rollup\`; and one shim with a pod of ${POD}. A page that several processes share counts as a part of each.`,
      tables: compare(FIGURES, samples, reference),
    };
  },
};

async function alone(lab: BenchLab, shim: Shim): Promise<Memory> {
  const containers: BenchContainer[] = [];
  for (let index = 0; index < SHIMS; index++) containers.push(await runningContainer(lab, shim));
  await sleep(IDLE_MS, lab.signal);
  const all = containers.map(({ shimPid }) => memoryOf(shimPid));
  await endAll(containers);
  const mean = (key: keyof Memory) => all.reduce((sum, one) => sum + one[key], 0) / SHIMS / 1e6;
  return { pss: mean("pss"), anonymous: mean("anonymous"), privateDirty: mean("privateDirty") };
}

async function inPod(lab: BenchLab, shim: Shim): Promise<{ podPss: number; podAnonymous: number }> {
  const group = lab.newId();
  const containers: BenchContainer[] = [];
  for (let index = 0; index < POD; index++) containers.push(await runningContainer(lab, shim, { group }));
  await sleep(IDLE_MS, lab.signal);
  const { pss, anonymous } = memoryOf(containers[0]?.shimPid ?? 0);
  await endAll(containers, true);
  return { podPss: pss / POD / 1e6, podAnonymous: anonymous / POD / 1e6 };
}
