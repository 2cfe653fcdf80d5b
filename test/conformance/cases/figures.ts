import assert from "node:assert/strict";
import { until } from "../../../lab/until.ts";
import { containerd } from "../../../src/proto/index.ts";
import { io } from "../../../src/proto/metrics.ts";
import type { Bench } from "../bench.ts";
import { about, type ConformanceCase } from "../case.ts";
import { expectOutcome, stateName } from "../expect.ts";
import { specAny } from "../options.ts";
import { Streams } from "../streams.ts";
import type { TestContainer } from "../test-container.ts";

const MIB = 1 << 20;
/** Processes that an OCI runtime needs some of itself while it adds one. */
const FEW = 30;

/** The figures that both kinds of cgroup have. */
interface Figures {
  readonly pids: number;
  readonly pidsLimit: number;
  readonly memory: number;
  readonly memoryLimit: number;
  /** CPU time in nanoseconds. */
  readonly cpu: number;
}

async function figuresOf({ id, task }: TestContainer): Promise<Figures> {
  const { stats } = await task.stats({ id });
  const bytes = stats?.value ?? new Uint8Array();
  if (stats?.typeUrl === "io.containerd.cgroups.v1.Metrics") {
    const { pids, memory, cpu } = io.containerd.cgroups.v1.Metrics.decode(bytes);
    return {
      pids: pids?.current ?? 0,
      pidsLimit: pids?.limit ?? 0,
      memory: memory?.usage?.usage ?? 0,
      memoryLimit: memory?.usage?.limit ?? 0,
      cpu: cpu?.usage?.total ?? 0,
    };
  }
  assert.equal(stats?.typeUrl, "io.containerd.cgroups.v2.Metrics");
  const { pids, memory, cpu } = io.containerd.cgroups.v2.Metrics.decode(bytes);
  return {
    pids: pids?.current ?? 0,
    pidsLimit: pids?.limit ?? 0,
    memory: memory?.usage ?? 0,
    memoryLimit: memory?.usageLimit ?? 0,
    cpu: (cpu?.usageUsec ?? 0) * 1000,
  };
}

const pidsOf = async ({ id, task }: TestContainer) =>
  (await task.pids({ id })).processes.map(({ pid }) => pid ?? 0).sort((a, b) => a - b);

const update = ({ id, task }: TestContainer, resources: object) =>
  task.update({ id, resources: specAny("LinuxResources", resources) });

const pids: ConformanceCase[] = [
  {
    name: "Pids has the init of a created container",
    async run(bench) {
      const container = await bench.launched();
      const pid = await container.create();
      assert.deepEqual(await pidsOf(container), [pid]);
    },
  },
  {
    name: "Pids has every process of the container, those it made itself included",
    async run(bench) {
      const container = await bench.running({ args: ["sh", "-c", "sleep 1000 & sleep 1000 & wait"] });
      await container.execEnded("e0", { args: ["sleep", "0.1"] });
      const added = await container.execStarted("e1");
      const found = await pidsOf(container);
      assert.ok(found.includes(added));
      assert.equal(found.length, 4);
    },
  },
  {
    name: "Pids names the processes that were added",
    async run(bench) {
      const container = await bench.running();
      const added = await container.execStarted("e1");
      const { processes } = await container.task.pids({ id: container.id });
      const { info } = processes.find(({ pid }) => pid === added) ?? {};
      assert.match(info?.typeUrl ?? "", /containerd\.runc\.v1\.ProcessDetails$/);
      assert.equal(containerd.runc.v1.ProcessDetails.decode(info?.value ?? new Uint8Array()).execId, "e1");
    },
  },
  {
    name: "Pids has no process that has ended",
    async run(bench) {
      const container = await bench.running();
      await container.execEnded("e1", { args: ["true"] });
      assert.equal((await pidsOf(container)).length, 1);
    },
  },
];

/** The threads of the OCI runtime that become a process are counted for a moment, too. */
async function untilPids(container: TestContainer, count: number): Promise<void> {
  const look = async () => ((await figuresOf(container)).pids === count ? true : undefined);
  await until(`${count} pids`, look);
}

const stats: ConformanceCase[] = [
  {
    name: "Stats has plausible figures of a running container",
    async run(bench) {
      const container = await bench.running();
      await untilPids(container, 1);
      const { memory, cpu } = await figuresOf(container);
      assert.ok(memory > 0 && memory < 512 * MIB, `memory ${memory}`);
      assert.ok(cpu > 0, `cpu ${cpu}`);
    },
  },
  {
    name: "Stats has the limits of config.json",
    async run(bench) {
      const container = await bench.running({
        edit: ({ linux }) =>
          Object.assign(linux.resources, { memory: { limit: 64 * MIB }, pids: { limit: 33 } }),
      });
      const { pidsLimit, memoryLimit } = await figuresOf(container);
      assert.deepEqual([pidsLimit, memoryLimit], [33, 64 * MIB]);
    },
  },
  {
    name: "Stats sees CPU time grow, and more processes",
    async run(bench) {
      const container = await bench.running();
      const before = await figuresOf(container);
      await container.execEnded("e1", {
        args: ["sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"],
      });
      await container.execStarted("e2");
      await untilPids(container, 2);
      const after = await figuresOf(container);
      assert.ok(after.cpu > before.cpu);
    },
  },
];

/** Limits that Update sets, as Stats tells them. */
const UPDATES: readonly [string, object, Partial<Figures>][] = [
  ["a limit of pids", { pids: { limit: 44 } }, { pidsLimit: 44 }],
  ["a limit of memory", { memory: { limit: 96 * MIB } }, { memoryLimit: 96 * MIB }],
  [
    "several limits",
    { pids: { limit: 45 }, memory: { limit: 80 * MIB } },
    { pidsLimit: 45, memoryLimit: 80 * MIB },
  ],
];

const STATES: Readonly<Record<string, (bench: Bench) => Promise<TestContainer>>> = {
  created: (bench) => bench.created(),
  running: (bench) => bench.running(),
  paused: async (bench) => {
    const container = await bench.running();
    await container.task.pause({ id: container.id });
    return container;
  },
};

const updates = Object.entries(STATES).flatMap(([state, reach]) =>
  UPDATES.map(
    ([what, resources, expected]): ConformanceCase => ({
      name: `Update sets ${what} of a container that is ${state}`,
      async run(bench) {
        const container = await reach(bench);
        await update(container, resources);
        const figures = await figuresOf(container);
        assert.deepEqual({ ...figures, ...expected }, figures);
      },
    }),
  ),
);

const others: ConformanceCase[] = [
  {
    name: "an Update that the kernel refuses is refused, and the container runs on",
    async run(bench) {
      const container = await bench.running();
      await expectOutcome(update(container, { cpu: { cpus: "4000" } }), "refused");
      assert.equal(stateName((await container.task.state({ id: container.id })).status), "running");
    },
  },
  {
    name: "a process limit that Update sets is kept by the kernel",
    async run(bench) {
      const container = await bench.running();
      await update(container, { pids: { limit: FEW } });
      const script = `i=0; while [ $i -lt ${2 * FEW} ]; do sleep 1000 & i=$((i+1)); done`;
      assert.notEqual(await container.execEnded("e1", { args: ["sh", "-c", script] }), 0);
      assert.ok((await figuresOf(container)).pids <= FEW);
    },
  },
  {
    name: "a paused container does nothing, and goes on where it was",
    async run(bench) {
      const streams = await Streams.open(bench, "s", { stdin: true });
      const container = await bench.running({ args: ["cat"], request: streams.request });
      const { id, task } = container;
      await streams.write("before\n");
      await streams.until("before\n");
      await task.pause({ id });
      await streams.write("while\n");
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.equal(streams.stdout, "before\n");
      await task.resume({ id });
      await streams.until("while\n");
    },
  },
  {
    name: "a container is paused and resumed again and again",
    async run(bench) {
      const container = await bench.running();
      const { id, task } = container;
      for (let round = 0; round < 5; round++) {
        await task.pause({ id });
        assert.equal(stateName((await task.state({ id })).status), "paused");
        await task.resume({ id });
        assert.equal(stateName((await task.state({ id })).status), "running");
      }
    },
  },
];

export const figureCases = about("figures", [...pids, ...stats, ...updates, ...others]);
