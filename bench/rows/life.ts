import { compare, type Figure } from "../comparison.ts";
import { BenchContainer } from "../container.ts";
import { interleave } from "../interleave.ts";
import type { BenchLab } from "../lab.ts";
import type { Row } from "../result.ts";
import type { Shim } from "../shims.ts";
import { Stopwatch } from "../stopwatch.ts";

const STEPS = ["launch", "create", "start", "wait", "delete", "shutdown"] as const;
type Step = (typeof STEPS)[number];

const TITLES: Readonly<Record<Step | "total", string>> = {
  launch: "launch: the shim's `start`, and its first answer",
  create: "Create: the root file system and the OCI runtime's `create`",
  start: "Start",
  wait: "Wait, until the end of a program that ends at once",
  delete: "Delete",
  shutdown: "Shutdown, until the shim's process is gone",
  total: "all of it",
};

const FIGURES: readonly Figure<Step | "total">[] = [...STEPS, "total" as const].map((key) => ({
  key,
  title: TITLES[key],
  unit: "ms",
  p99: true,
}));

/** The steps of a container's life. */
export const life: Row = {
  name: "life",
  async run(lab) {
    const { shims: subjects, signal, reference } = lab;
    const rounds = { subjects, count: lab.rounds(30), warmUp: 1, signal };
    const samples = await interleave(rounds, (shim, round) => {
      lab.progress(`life: round ${round + 1} of ${rounds.count}, ${shim.label}`);
      return sample(lab, shim);
    });
    return {
      title: "A container's life",
      how: "A container of `true` with a shim of its own, call by call as a daemon makes them, with nothing else on the machine. The first line is what the row above measures, the others are added to it.",
      tables: compare(FIGURES, samples, reference),
    };
  },
};

async function sample(lab: BenchLab, shim: Shim): Promise<Record<Step | "total", number>> {
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
  await watch.time("shutdown", () => container.shutdown());
  const { total } = watch;
  await container.remove();
  return { ...watch.of(STEPS), total };
}
