import { compare, type Figure } from "../comparison.ts";
import type { BenchContainer } from "../container.ts";
import { endAll, runningContainer } from "../life.ts";
import { cpuSecondsOfAll } from "../process-cost.ts";
import type { Row } from "../result.ts";
import { inRounds } from "../rounds.ts";
import type { Shim } from "../shims.ts";
import { Stopwatch } from "../stopwatch.ts";

const STEPS = ["exec", "start", "wait", "delete"] as const;
type Step = (typeof STEPS)[number];

const FIGURES: readonly Figure<Step | "total">[] = [
  { key: "exec", title: "Exec", unit: "ms", p99: true },
  { key: "start", title: "Start", unit: "ms", p99: true },
  { key: "wait", title: "Wait", unit: "ms", p99: true },
  { key: "delete", title: "Delete", unit: "ms", p99: true },
  { key: "total", title: "all of it", unit: "ms", p99: true },
];

/** The shim's own time and its children's: what the OCI runtime takes is in it. */
const CPU: readonly Figure<"cpu">[] = [{ key: "cpu", title: "processor time, runc's included", unit: "ms" }];

/** A further process in a running container, from its Exec to its Delete. */
export const exec: Row = {
  name: "exec",
  async run(lab) {
    const containers = new Map<Shim, BenchContainer>();
    for (const shim of lab.shims) containers.set(shim, await runningContainer(lab, shim));
    const of = (shim: Shim) => containers.get(shim);
    const { shims: subjects, reference } = lab;
    const [usual, warmUp] = [100, 3];
    const before = cpuOf(containers);
    const rounds = { name: "exec", subjects, usual, warmUp };
    const samples = await inRounds(lab, rounds, (shim, round) => sample(of(shim), `e${round + warmUp}`));
    const after = cpuOf(containers);
    const each = (shim: Shim) =>
      (1000 * ((after.get(shim) ?? 0) - (before.get(shim) ?? 0))) / (lab.rounds(usual) + warmUp);
    const cpu = new Map(lab.shims.map((shim) => [shim, [{ cpu: each(shim) }]]));
    await endAll([...containers.values()]);
    return {
      title: "A further process",
      how: "`true` as a further process of a running container, as a probe of the kubelet is: call by call, and in all.",
      tables: [...compare(FIGURES, samples, reference), ...compare(CPU, cpu, reference)],
    };
  },
};

async function sample(
  container: BenchContainer | undefined,
  id: string,
): Promise<Record<Step | "total", number>> {
  const watch = new Stopwatch<Step>();
  await watch.time("exec", async () => container?.exec(id, ["true"]));
  await watch.time("start", async () => container?.run(id));
  await watch.time("wait", async () => container?.wait(id));
  await watch.time("delete", async () => container?.delete(id));
  return { ...watch.of(STEPS), total: watch.total };
}

function cpuOf(containers: ReadonlyMap<Shim, BenchContainer>): Map<Shim, number> {
  return new Map([...containers].map(([shim, { shimPid }]) => [shim, cpuSecondsOfAll(shimPid)]));
}
