import { sleep } from "../../src/base/deadline.ts";
import { compare, type Figure } from "../comparison.ts";
import type { BenchContainer } from "../container.ts";
import type { BenchLab } from "../lab.ts";
import { endAll, runningContainer } from "../life.ts";
import { cpuSeconds, type Memory, memoryOf } from "../process-cost.ts";
import type { Row } from "../result.ts";
import { inRounds } from "../rounds.ts";
import type { Shim } from "../shims.ts";

const SHIMS = 20;
const POD = 4;
/** How long they are left alone first: a runtime gives back what it does not need when there is nothing to do. */
export const IDLE_MS = 10_000;
/** How long it is counted then what they do all the same. */
const COUNTED_MS = 10_000;
/** How often a kubelet asks for the figures of every container, and how often it is done here. */
const ASKED = { everyMs: 10_000, times: 4 };

type Key =
  | "cpu"
  | "pss"
  | "anonymous"
  | "privateDirty"
  | "podPss"
  | "podAnonymous"
  | "askedCpu"
  | "askedAnonymous";

const FIGURES: readonly Figure<Key>[] = [
  { key: "pss", title: `one of ${SHIMS} shims (Pss)`, unit: "MB" },
  { key: "anonymous", title: "of it in no file (Pss_Anon)", unit: "MB" },
  { key: "privateDirty", title: "written to by it alone (Private_Dirty)", unit: "MB" },
  { key: "cpu", title: "processor time of it each minute", unit: "ms" },
  {
    key: "askedCpu",
    title: `the same, asked for its figures each ${ASKED.everyMs / 1000} s`,
    unit: "ms",
  },
  { key: "askedAnonymous", title: "of it in no file (Pss_Anon) after that", unit: "MB" },
  { key: "podPss", title: `a pod's shim, for each of its ${POD} containers (Pss)`, unit: "MB" },
  { key: "podAnonymous", title: "of it in no file (Pss_Anon)", unit: "MB" },
];

/** The memory, and the processor time, of shims that have nothing to do. */
export const idleMemory: Row = {
  name: "idle-memory",
  async run(lab) {
    const rounds = { name: "idle-memory", subjects: lab.shims, usual: 2 };
    const samples = await inRounds(lab, rounds, (shim) => sample(lab, shim));
    return {
      title: "Idle shims",
      how: `${SHIMS} shims with a running container each, ${IDLE_MS / 1000} s later, by \`/proc/PID/smaps_rollup\`; among them one more with a pod of ${POD}. A page that several processes share counts as a part of each. The processor time is counted for ${COUNTED_MS / 1000} s after that, and then for ${(ASKED.times * ASKED.everyMs) / 1000} s in which each shim's Stats is called every ${ASKED.everyMs / 1000} s, as a kubelet has it done.`,
      tables: compare(FIGURES, samples, lab.reference),
    };
  },
};

async function sample(lab: BenchLab, shim: Shim): Promise<Record<Key, number>> {
  const group = lab.newId();
  const alone: BenchContainer[] = [];
  const pod: BenchContainer[] = [];
  while (alone.length < SHIMS) alone.push(await runningContainer(lab, shim));
  while (pod.length < POD) pod.push(await runningContainer(lab, shim, { group }));
  await sleep(IDLE_MS, lab.signal);
  const memory = alone.map(({ shimPid }) => memoryOf(shimPid));
  const ofPod = memoryOf(pod[0]?.shimPid ?? 0);
  const cpu = await cpuEachMinute(alone, () => sleep(COUNTED_MS, lab.signal));
  const askedCpu = await cpuEachMinute(alone, () => ask(lab, alone));
  const asked = alone.map(({ shimPid }) => memoryOf(shimPid));
  await endAll(alone);
  await endAll(pod, true);
  const mean = (key: keyof Memory, of = memory) => of.reduce((sum, one) => sum + one[key], 0) / SHIMS / 1e6;
  const each = (key: keyof Memory) => ofPod[key] / POD / 1e6;
  return {
    pss: mean("pss"),
    anonymous: mean("anonymous"),
    privateDirty: mean("privateDirty"),
    cpu,
    askedCpu,
    askedAnonymous: mean("anonymous", asked),
    podPss: each("pss"),
    podAnonymous: each("anonymous"),
  };
}

/** Has the figures of all asked for, again and again. */
async function ask(lab: BenchLab, containers: readonly BenchContainer[]): Promise<void> {
  for (let time = 0; time < ASKED.times; time += 1) {
    const next = sleep(ASKED.everyMs, lab.signal);
    for (const container of containers) await container.stats();
    await next;
  }
}

/** In milliseconds, of one shim, while something takes its time. */
async function cpuEachMinute(
  containers: readonly BenchContainer[],
  during: () => Promise<void>,
): Promise<number> {
  const seconds = () => containers.reduce((sum, { shimPid }) => sum + cpuSeconds(shimPid), 0);
  const [before, begun] = [seconds(), performance.now()];
  await during();
  const minutes = (performance.now() - begun) / 60_000;
  return (1000 * (seconds() - before)) / containers.length / minutes;
}
