import { compare, type Figure } from "../comparison.ts";
import { BenchContainer } from "../container.ts";
import type { BenchLab } from "../lab.ts";
import { cpuSecondsOfAll } from "../process-cost.ts";
import type { ResultTable, Row } from "../result.ts";
import { inRounds } from "../rounds.ts";
import type { Shim } from "../shims.ts";
import { Stopwatch } from "../stopwatch.ts";

const STEPS = ["launch", "create", "start", "wait", "delete", "shutdown"] as const;
type Step = (typeof STEPS)[number];

const TITLES: Readonly<Record<Step | "total", string>> = {
  launch: "launch, until the shim has answered",
  create: "Create, the root file system included",
  start: "Start",
  wait: "Wait, for a program that ends at once",
  delete: "Delete",
  shutdown: "Shutdown, until its process has gone",
  total: "all of it",
};

const FIGURES: readonly Figure<Step | "total">[] = [...STEPS, "total" as const].map((key) => ({
  key,
  title: TITLES[key],
  unit: "ms",
  p99: true,
}));

/** Of all rounds together: one of them is too short for the clock that counts it. */
const CPU: readonly Figure<"cpu">[] = [
  { key: "cpu", title: "processor time of shim and runc, up to Delete", unit: "ms" },
];

/** The steps of a container's life. */
export const life: Row = {
  name: "life",
  async run(lab) {
    return {
      title: "A container's life",
      how: "A container of `true` with a shim of its own, call by call as a daemon makes them, with nothing else on the machine. The first line is what the row above measures, the others are added to it.",
      tables: await tablesOfLives(lab, "life"),
    };
  },
};

/** Lives of containers, step by step; `name` is what is shown while they are measured. */
export async function tablesOfLives(lab: BenchLab, name: string): Promise<readonly ResultTable[]> {
  const { shims: subjects, reference } = lab;
  const samples = await inRounds(lab, { name, subjects, usual: 30, warmUp: 1 }, (shim) => sample(lab, shim));
  return [...compare(FIGURES, samples, reference), ...compare(CPU, meanCpu(samples), reference)];
}

/** The same without what a shim has used, as one that has stood by has used that for others as well. */
export async function tablesOfSteps(lab: BenchLab, name: string): Promise<readonly ResultTable[]> {
  const tables = await tablesOfLives(lab, name);
  return tables.filter(({ title }) => CPU.every((figure) => figure.title !== title));
}

type Sample = Record<Step | "total" | "cpu", number>;

function meanCpu(samples: ReadonlyMap<Shim, readonly Sample[]>): Map<Shim, { cpu: number }[]> {
  const mean = (all: readonly Sample[]) => all.reduce((sum, { cpu }) => sum + cpu, 0) / all.length;
  return new Map([...samples].map(([shim, all]) => [shim, [{ cpu: mean(all) }]]));
}

async function sample(lab: BenchLab, shim: Shim): Promise<Sample> {
  const container = await BenchContainer.prepare(lab, shim, { args: ["true"] });
  const watch = new Stopwatch<Step>();
  await watch.time("launch", async () => {
    await container.start();
    await container.connect();
  });
  await watch.time("create", () => container.create());
  await watch.time("start", () => container.run());
  await watch.time("wait", () => container.wait());
  await watch.time("delete", () => container.delete());
  const cpu = 1000 * cpuSecondsOfAll(container.shimPid);
  await watch.time("shutdown", () => container.shutdown());
  const { total } = watch;
  await container.remove();
  return { ...watch.of(STEPS), total, cpu };
}
