import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { until } from "../../../lab/until.ts";
import { within } from "../../../src/base/deadline.ts";
import type { OciSpec } from "../../../src/client/index.ts";
import type { Bench } from "../bench.ts";
import { about, type ConformanceCase } from "../case.ts";
import { eventLine, eventsOf, waitForLine } from "../history.ts";
import { recordingRuntime } from "../runtimes.ts";
import { Streams } from "../streams.ts";
import type { TestContainer } from "../test-container.ts";

const MANY_EXECS = 50;
/** How long they may take, in milliseconds: mostly the OCI runtime's own time, on few processors. */
const MANY_MS = 60_000;
const SOME_EXECS = 12;
/** How long an ended process may stay, in milliseconds. */
const ZOMBIE_MS = 15_000;
const MANY_CONTAINERS = 12;
const ROUNDS = 10;

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);
const openFiles = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

/** The zombies that a process has not waited for. */
function zombiesOf(parent: number): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const [state, ppid] = readFileSync(`/proc/${name}/stat`, "utf8")
          .replace(/^.*\) /s, "")
          .split(" ");
        return state === "Z" && ppid === String(parent) ? [name] : [];
      } catch {
        return [];
      }
    });
}

/** The shim learns of an end by a signal, and so a moment later. */
async function untilNoZombies({ id, task }: TestContainer): Promise<void> {
  const { shimPid } = await task.connect({ id });
  await until("the zombies to go", () => (zombiesOf(shimPid).length === 0 ? true : undefined), ZOMBIE_MS);
}

async function live(container: TestContainer): Promise<void> {
  const { id, task } = container;
  await container.create();
  await task.start({ id });
  await task.wait({ id });
  await task.delete({ id });
}

async function execAtOnce(bench: Bench, count: number): Promise<void> {
  const container = await bench.running();
  const statuses = await Promise.all(
    numbers(count).map((n) => container.execEnded(`e${n}`, { args: ["sh", "-c", `exit ${n}`] })),
  );
  assert.deepEqual(statuses, numbers(count));
  for (const n of numbers(count)) await waitForLine(bench, container.id, `exit e${n} ${n}`);
  const exits = eventsOf(bench, container.id)
    .map(eventLine)
    .filter((line) => line.startsWith("exit"));
  assert.equal(exits.length, count);
}

export const limitCases = about("limits", [
  {
    name: `${SOME_EXECS} processes at once in one container all end, and each is told of once`,
    run: (bench) => execAtOnce(bench, SOME_EXECS),
  },
  {
    name: `${MANY_EXECS} processes at once in one container all end, and each is told of once`,
    promise: true,
    run: (bench) => within(execAtOnce(bench, MANY_EXECS), MANY_MS, `${MANY_EXECS} processes`),
  },
  {
    name: `${MANY_CONTAINERS} containers in one shim live at once, each with its own exit status`,
    async run(bench) {
      const annotations = { "io.containerd.runc.v2.group": "c1" };
      const containers: TestContainer[] = [];
      for (const n of numbers(MANY_CONTAINERS)) {
        containers.push(await bench.launched({ annotations, args: ["sh", "-c", `exit ${n}`] }));
      }
      const statuses = await Promise.all(
        containers.map(async (container) => {
          const { id, task } = container;
          await container.create();
          await task.start({ id });
          return (await task.wait({ id })).exitStatus;
        }),
      );
      assert.deepEqual(statuses, numbers(MANY_CONTAINERS));
    },
  },
  {
    name: "containers that come and go leave no descriptors and no zombies in the shim",
    async run(bench) {
      const container = await bench.launched({ args: ["true"] });
      const { shimPid } = await container.task.connect({ id: container.id });
      for (const _ of numbers(3)) await live(container);
      const before = openFiles(shimPid);
      for (const _ of numbers(ROUNDS)) await live(container);
      assert.ok(openFiles(shimPid) < before + ROUNDS, `${before} descriptors became ${openFiles(shimPid)}`);
      await untilNoZombies(container);
    },
  },
  {
    name: "processes with streams that come and go leave no descriptors and no zombies in the shim",
    async run(bench) {
      const container = await bench.running();
      const { id, task } = container;
      const { shimPid } = await task.connect({ id });
      const round = async (name: string) => {
        const streams = await Streams.open(bench, name, { stdin: true });
        await container.execEnded(name, { args: ["true"], ...streams.request });
        await task.delete({ id, execId: name });
      };
      for (const n of numbers(3)) await round(`w${n}`);
      const before = openFiles(shimPid);
      for (const n of numbers(ROUNDS)) await round(`e${n}`);
      assert.ok(openFiles(shimPid) < before + ROUNDS, `${before} descriptors became ${openFiles(shimPid)}`);
      await untilNoZombies(container);
    },
  },
  {
    name: "a process that the OCI runtime leaves to the shim does not stay as a zombie",
    async run(bench) {
      const { options } = recordingRuntime(bench, { exec: "(sleep 0.01 &); exit 1" });
      const container = await bench.running({ options });
      await assert.rejects(container.execStarted("e1"));
      await untilNoZombies(container);
    },
  },
  {
    name: "a process that its parent leaves to the shim, in the host's pid namespace, does not stay as a zombie",
    async run(bench) {
      const container = await bench.running({
        args: ["sh", "-c", "(sleep 0.01 &); exec sleep 1000"],
        edit: ({ linux }) => {
          linux.namespaces = linux.namespaces.filter(({ type }) => type !== "pid");
        },
      });
      await container.execEnded("e1", { args: ["sleep", "0.1"] });
      await untilNoZombies(container);
    },
  },
  {
    name: "arguments of 100 KiB reach the process",
    async run(bench) {
      const container = await bench.running();
      const long = "x".repeat(100 << 10);
      const args = ["sh", "-c", 'test "$(expr length $1)" = $2', "sh", long, String(long.length)];
      assert.equal(await container.execEnded("e1", { args }), 0);
    },
  },
  {
    name: "an id of 76 characters is taken, for a container and for a process",
    async run(bench) {
      const id = "i".repeat(76);
      const edit = (spec: OciSpec) => {
        spec.hostname = "short";
      };
      const container = await bench.running({ id, edit });
      assert.equal(await container.execEnded("e".repeat(76), { args: ["true"] }), 0);
    },
  },
  {
    name: "the same container asked for twice at once is created once",
    async run(bench) {
      const container = await bench.launched();
      const results = await Promise.allSettled([container.create(), container.create()]);
      assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
    },
  },
  {
    name: "two Deletes at once come to one end, and nothing is left",
    async run(bench) {
      const { id, task } = await bench.stopped();
      const results = await Promise.allSettled([task.delete({ id }), task.delete({ id })]);
      assert.ok(results.some(({ status }) => status === "fulfilled"));
      await assert.rejects(task.state({ id }));
    },
  },
] satisfies ConformanceCase[]);
