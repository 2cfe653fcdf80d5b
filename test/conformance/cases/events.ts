import assert from "node:assert/strict";
import type { Bench } from "../bench.ts";
import { about, type ConformanceCase } from "../case.ts";
import { expectOutcome } from "../expect.ts";
import { eventsOf, expectHistory, history, waitForLine } from "../history.ts";
import { runningReady } from "../ready.ts";
import type { TestContainer } from "../test-container.ts";

const MEMORY_LIMIT = 32 << 20;
const LIVES_WITHOUT_OOM = 5;
/** How long the events of several lives are waited for, in milliseconds. */
const EVENTS_MS = 15_000;

/** Lives and what is told of them, all of it and in this order. */
const LIVES: readonly [string, (bench: Bench) => Promise<TestContainer>, readonly string[]][] = [
  [
    "a container that ends by itself",
    async (bench) => {
      const container = await bench.stopped();
      await container.task.delete({ id: container.id });
      return container;
    },
    ["create", "start", "exit 7", "delete 7"],
  ],
  [
    "a container that is killed",
    async (bench) => {
      const container = await bench.running();
      await container.kill();
      await container.task.delete({ id: container.id });
      return container;
    },
    ["create", "start", "exit 137", "delete 137"],
  ],
  [
    "a container that is killed before it is started",
    async (bench) => {
      const container = await bench.created();
      await container.kill();
      await container.task.delete({ id: container.id });
      return container;
    },
    ["create", "exit 137", "delete 137"],
  ],
  [
    "a container whose program ends at once",
    async (bench) => bench.stopped({ args: ["true"] }),
    ["create", "start", "exit 0"],
  ],
  [
    "a process whose program ends at once",
    async (bench) => {
      const container = await bench.running();
      await container.execEnded("e1", { args: ["true"] });
      return container;
    },
    ["create", "start", "exec-added e1", "exec-started e1", "exit e1 0"],
  ],
  [
    "a process that is killed",
    async (bench) => {
      const container = await bench.running();
      const { id, task } = container;
      await container.execStarted("e1");
      await task.kill({ id, execId: "e1", signal: 9 });
      await task.wait({ id, execId: "e1" });
      return container;
    },
    ["create", "start", "exec-added e1", "exec-started e1", "exit e1 137"],
  ],
  [
    "a process that outlives its container's init",
    async (bench) => {
      const container = await bench.running();
      await container.execStarted("e1");
      await container.task.kill({ id: container.id, signal: 9 });
      await container.task.wait({ id: container.id });
      return container;
    },
    ["create", "start", "exec-added e1", "exec-started e1", "exit e1 137", "exit 137"],
  ],
  [
    "a process that outlives its init in the host's pid namespace",
    async (bench) => {
      const container = await runningReady(bench, "trap 'exit 3' TERM; echo ready; sleep 1000 & wait", {
        edit: ({ linux }) => {
          linux.namespaces = linux.namespaces.filter(({ type }) => type !== "pid");
        },
      });
      await container.execStarted("e1");
      await container.execEnded("e2", { args: ["true"] });
      await container.task.kill({ id: container.id, signal: 15 });
      await container.task.wait({ id: container.id });
      return container;
    },
    [
      ...["create", "start", "exec-added e1", "exec-started e1", "exec-added e2", "exec-started e2"],
      ...["exit e2 0", "exit e1 137", "exit 3"],
    ],
  ],
  [
    "pause and resume",
    async (bench) => {
      const container = await bench.running();
      const { id, task } = container;
      await task.pause({ id });
      await task.resume({ id });
      return container;
    },
    ["create", "start", "paused", "resumed"],
  ],
  [
    "a process that cannot be started",
    async (bench) => {
      const container = await bench.running();
      const { id, task } = container;
      await container.exec("e1", { args: ["/bin/nowhere"] });
      await expectOutcome(task.start({ id, execId: "e1" }), "refused|not found");
      await container.execEnded("e2", { args: ["true"] });
      return container;
    },
    ["create", "start", "exec-added e1", "exec-added e2", "exec-started e2", "exit e2 0"],
  ],
  [
    "a second life of the same id in the same shim",
    async (bench) => {
      const container = await bench.stopped({ args: ["true"] });
      const { id, task } = container;
      await task.delete({ id });
      await container.create();
      await task.start({ id });
      await task.wait({ id });
      return container;
    },
    ["create", "start", "exit 0", "delete 0", "create", "start", "exit 0"],
  ],
];

const lives = LIVES.map(
  ([name, live, expected]): ConformanceCase => ({
    name: `${name} is told of in order, and once`,
    async run(bench) {
      const { id } = await live(bench);
      await expectHistory(bench, id, expected);
    },
  }),
);

/** Seconds that two clocks of one machine may be apart in what they say. */
const CLOCK_SECONDS = 60;

function assertRecent(time: { seconds?: number | null } | null | undefined): void {
  const seconds = time?.seconds ?? 0;
  assert.ok(Math.abs(seconds - Date.now() / 1000) < CLOCK_SECONDS, `${seconds} is not now`);
}

const fields: ConformanceCase[] = [
  {
    name: "the create event has bundle, mounts, streams and pid",
    async run(bench) {
      const container = await bench.launched();
      const pid = await container.create();
      const found = await waitForLine(bench, container.id, "create");
      assert.ok(found.type === "containerd.events.TaskCreate");
      const { event } = found;
      assert.equal(event.bundle, container.bundle.path);
      assert.equal(event.pid, pid);
      assert.deepEqual(
        event.rootfs.map(({ type, source }) => [type, source]),
        [["bind", bench.target.lower]],
      );
      assert.deepEqual([event.io?.stdin, event.io?.stdout, event.io?.terminal], ["", "", false]);
      assert.equal(event.checkpoint, "");
    },
  },
  {
    name: "every event has its topic's type, the namespace and the time",
    async run(bench) {
      const container = await bench.stopped();
      await container.task.delete({ id: container.id });
      await waitForLine(bench, container.id, "delete 7");
      for (const { namespace, timestamp } of bench.events.received) {
        assert.equal(namespace, bench.namespace);
        assertRecent({ seconds: (timestamp?.getTime() ?? 0) / 1000 });
      }
      assert.deepEqual(
        eventsOf(bench, container.id).map(({ topic, type }) => [
          topic,
          type.replace("containerd.events.", ""),
        ]),
        [
          ["/tasks/create", "TaskCreate"],
          ["/tasks/start", "TaskStart"],
          ["/tasks/exit", "TaskExit"],
          ["/tasks/delete", "TaskDelete"],
        ],
      );
    },
  },
  {
    name: "exit and delete events have pid, status and the time of the exit, as the answers have",
    async run(bench) {
      const { id, task } = await bench.running({ args: ["sh", "-c", "exit 9"] });
      const waited = await task.wait({ id });
      const { pid } = await task.state({ id });
      const deleted = await task.delete({ id });
      const exit = await waitForLine(bench, id, "exit 9");
      const gone = await waitForLine(bench, id, "delete 9");
      assert.ok(exit.type === "containerd.events.TaskExit" && gone.type === "containerd.events.TaskDelete");
      assertRecent(waited.exitedAt);
      assert.deepEqual([exit.event.pid, gone.event.pid, deleted.pid], [pid, pid, pid]);
      assert.deepEqual(deleted.exitedAt, waited.exitedAt);
      assert.deepEqual(exit.event.exitedAt, waited.exitedAt);
      assert.deepEqual(gone.event.exitedAt, waited.exitedAt);
      assert.equal(exit.event.id, id);
    },
  },
  {
    name: "exec events have the pid of the process",
    async run(bench) {
      const container = await bench.running();
      const { id } = container;
      const pid = await container.execStarted("e1", { args: ["true"] });
      const started = await waitForLine(bench, id, "exec-started e1");
      const exit = await waitForLine(bench, id, "exit e1 0");
      assert.ok(
        started.type === "containerd.events.TaskExecStarted" && exit.type === "containerd.events.TaskExit",
      );
      assert.deepEqual([started.event.pid, exit.event.pid], [pid, pid]);
    },
  },
  {
    name: "a refused Create is told to nobody",
    async run(bench) {
      const container = await bench.launched();
      const rootfs = [{ type: "bind", source: "/nowhere/rootfs", options: ["rbind"] }];
      await expectOutcome(container.create({ rootfs }), "refused|not found");
      await container.create();
      await waitForLine(bench, container.id, "create");
      assert.deepEqual(history(bench, container.id), ["create"]);
    },
  },
  {
    name: "no OOM is told of where there was none",
    async run(bench) {
      const container = await bench.launched({ args: ["true"] });
      const { id, task } = container;
      for (let round = 0; round < LIVES_WITHOUT_OOM; round++) {
        await container.create();
        await task.start({ id });
        await task.wait({ id });
        await task.delete({ id });
      }
      await container.create();
      const enough = () => history(bench, id).filter((line) => line === "create").length > LIVES_WITHOUT_OOM;
      await bench.events.waitFor(enough, EVENTS_MS, "the last create");
      assert.ok(!history(bench, id).includes("oom"), history(bench, id).join(", "));
    },
  },
  {
    name: "the kernel's OOM killer is told of before the exit that it causes",
    async run(bench) {
      const { id } = await bench.running({
        args: ["dd", "if=/dev/zero", "of=/dev/null", "bs=256M", "count=1"],
        edit: ({ linux }) =>
          Object.assign(linux.resources, { memory: { limit: MEMORY_LIMIT, swap: MEMORY_LIMIT } }),
      });
      await waitForLine(bench, id, "exit 137");
      assert.deepEqual([...new Set(history(bench, id))], ["create", "start", "oom", "exit 137"]);
    },
  },
];

export const eventCases = about("events", [...lives, ...fields]);
