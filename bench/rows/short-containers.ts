import { CpuGroup, whyNoCpuGroup } from "../../lab/cpu-group.ts";
import { whyNoContainerd } from "../../lab/private-containerd.ts";
import { standsBy } from "../../lab/stands-by.ts";
import { until } from "../../lab/until.ts";
import { defaultSpec } from "../../src/client/spec.ts";
import { compare, type Figure } from "../comparison.ts";
import { BenchDaemon } from "../daemon.ts";
import type { BenchLab } from "../lab.ts";
import type { Found, ResultTable, Row } from "../result.ts";
import { inRounds } from "../rounds.ts";
import type { Shim } from "../shims.ts";

const WORKERS = 2;
/** How long one sample is made of containers, in milliseconds: six of them are half a minute. */
const SLICE_MS = 5_000;

interface Sample {
  readonly perSecond: number;
  readonly cpuMs: number;
}

/** What one worker does again and again. */
type Life = (daemon: BenchDaemon, shim: Shim, id: string) => Promise<void>;

/** How many containers a daemon can run one after the other, and what each costs in processor time. */
export const shortContainers: Row = {
  name: "short-containers",
  whyNot: () => whyNoContainerd() ?? whyNoCpuGroup(),
  run: (lab) => BenchDaemon.with(lab, (daemon) => run(lab, daemon)),
};

async function run(lab: BenchLab, daemon: BenchDaemon): Promise<Found> {
  return {
    title: "Many short containers, two at a time",
    how: `Two workers make containers for ${SLICE_MS / 1_000} s, through containerd's API: container and layer, create, start of \`true\`, wait, delete, and both removed again; or with a program that waits and an exec of \`true\` in it. The processor time is that of containerd, shims, runc and containers, counted by their control group.`,
    tables: await tablesOfShortContainers(lab, daemon, "short-containers"),
  };
}

/** Many short containers; `name` is what is shown while they are measured. */
export async function tablesOfShortContainers(
  lab: BenchLab,
  daemon: BenchDaemon,
  name: string,
): Promise<readonly ResultTable[]> {
  const group = new CpuGroup(daemon.containerd.cgroupParent);
  if (daemon.containerd.pid !== undefined) group.add(daemon.containerd.pid);
  const tables: ResultTable[] = [];
  for (const [what, life] of LIVES) {
    const rounds = { name: `${name} ${what}`, subjects: daemon.shims, usual: 6, warmUp: 1 };
    const samples = await inRounds(lab, rounds, (shim) => slice({ lab, daemon, group, life }, shim));
    tables.push(...compare(figures(what), samples, lab.reference));
  }
  return tables;
}

function figures(what: string): readonly Figure<keyof Sample>[] {
  return [
    { key: "perSecond", title: `containers ${what}`, unit: "/s", better: "more" },
    { key: "cpuMs", title: `processor time of each ${what}`, unit: "ms" },
  ];
}

interface Parts {
  readonly lab: BenchLab;
  readonly daemon: BenchDaemon;
  readonly group: CpuGroup;
  readonly life: Life;
}

async function slice({ lab, daemon, group, life }: Parts, shim: Shim): Promise<Sample> {
  const [usedBefore, begun] = [group.usedMs(), performance.now()];
  let count = 0;
  const work = async () => {
    while (performance.now() - begun < SLICE_MS) {
      lab.signal.throwIfAborted();
      await life(daemon, shim, lab.newId());
      count++;
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  const ms = performance.now() - begun;
  // Who still lets something go belongs to these containers as well.
  await until("all but containerd to end", () =>
    group.pids().filter((pid) => !standsBy(pid)).length <= 1 ? true : undefined,
  );
  return { perSecond: (count * 1_000) / ms, cpuMs: (group.usedMs() - usedBefore) / count };
}

async function shortLife(daemon: BenchDaemon, shim: Shim, id: string): Promise<void> {
  const { client } = daemon;
  await client.create(id, await daemon.prepare({ shim, id, args: ["true"] }));
  await Promise.all([client.wait(id), client.start(id)]);
  await client.delete(id);
  await client.deleteContainer(id);
}

async function lifeWithExec(daemon: BenchDaemon, shim: Shim, id: string): Promise<void> {
  const { client } = daemon;
  await daemon.run({ shim, id, args: ["sleep", "1000"] });
  const { process: spec } = defaultSpec({ namespace: "", id, args: ["true"] });
  await client.exec(id, "exec", spec);
  await Promise.all([client.wait(id, "exec"), client.start(id, "exec")]);
  await client.delete(id, "exec");
  await daemon.remove(id);
}

const LIVES: readonly (readonly [string, Life])[] = [
  ["that run `true`", shortLife],
  ["with an exec", lifeWithExec],
];
