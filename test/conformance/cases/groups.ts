import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import net from "node:net";
import { within } from "../../../src/base/deadline.ts";
import type { Bench } from "../bench.ts";
import { about, type ConformanceCase } from "../case.ts";
import { expectOutcome, stateName } from "../expect.ts";
import { expectHistory } from "../history.ts";
import type { TestContainer } from "../test-container.ts";

const GONE_MS = 20_000;
const ANNOTATIONS = ["io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"];

/** Two containers, of which the second is put into the first's shim. */
async function pair(
  bench: Bench,
  annotation = "io.containerd.runc.v2.group",
): Promise<[TestContainer, TestContainer]> {
  const annotations = { [annotation]: "c1" };
  return [await bench.launched({ annotations }), await bench.launched({ annotations })];
}

const byAnnotation = ANNOTATIONS.map(
  (annotation): ConformanceCase => ({
    name: `containers with the same ${annotation} share a shim`,
    async run(bench) {
      const [first, second] = await pair(bench, annotation);
      assert.equal(second.shim.answer.address, first.shim.answer.address);
      await first.create();
      await second.create();
      const pids = await Promise.all([first, second].map(({ task, id }) => task.connect({ id })));
      assert.equal(pids[0]?.shimPid, pids[1]?.shimPid);
      assert.notEqual(pids[0]?.taskPid, pids[1]?.taskPid);
    },
  }),
);

const others: ConformanceCase[] = [
  {
    name: "containers without an annotation have shims of their own",
    async run(bench) {
      const [first, second] = [await bench.launched(), await bench.launched()];
      assert.notEqual(first.shim.answer.address, second.shim.answer.address);
    },
  },
  {
    name: "containers of different groups have different shims",
    async run(bench) {
      const start = (group: string) =>
        bench.launched({ annotations: { "io.containerd.runc.v2.group": group } });
      const [first, second] = [await start("g1"), await start("g2")];
      assert.notEqual(first.shim.answer.address, second.shim.answer.address);
    },
  },
  {
    name: "the runtime's own annotation wins over the pod's",
    async run(bench) {
      const start = (group: string) =>
        bench.launched({
          annotations: { "io.containerd.runc.v2.group": group, "io.kubernetes.cri.sandbox-id": "pod" },
        });
      const [first, second] = [await start("g1"), await start("g2")];
      assert.notEqual(first.shim.answer.address, second.shim.answer.address);
    },
  },
  {
    name: "a second start for the same container answers the living shim",
    async run(bench) {
      const container = await bench.running();
      const { address } = container.shim.answer;
      const { shimPid } = await container.task.connect({ id: container.id });
      await container.launch();
      assert.equal(container.shim.answer.address, address);
      assert.equal((await container.task.connect({ id: container.id })).shimPid, shimPid);
      assert.equal(stateName((await container.task.state({ id: container.id })).status), "running");
    },
  },
  {
    name: "Shutdown ends nothing while there is a container",
    async run(bench) {
      const [first, second] = await pair(bench);
      await first.create();
      await second.create();
      await first.kill();
      await first.task.delete({ id: first.id });
      await first.shutDown();
      assert.equal(stateName((await second.task.state({ id: second.id })).status), "created");
    },
  },
  {
    name: "Shutdown of the empty shim ends it, and its socket goes",
    async run(bench) {
      const container = await bench.stopped();
      const { id, task, shim } = container;
      await task.delete({ id });
      await container.shutDown();
      await within(shim.connection.closed, GONE_MS, "the shim's end");
      assert.deepEqual(await bench.left(), []);
    },
  },
  {
    name: "the containers of one shim have their own events, exits and states",
    async run(bench) {
      const [first, second] = await pair(bench);
      await first.create();
      await second.create();
      await first.task.start({ id: first.id });
      assert.equal(await first.kill(), 137);
      await expectHistory(bench, first.id, ["create", "start", "exit 137"]);
      await expectHistory(bench, second.id, ["create"]);
      assert.equal(stateName((await second.task.state({ id: second.id })).status), "created");
      await expectOutcome(second.task.delete({ id: "c9" }), "not found");
    },
  },
  {
    name: "processes of the same id in two containers are two processes",
    async run(bench) {
      const [first, second] = await pair(bench);
      for (const container of [first, second]) {
        await container.create();
        await container.task.start({ id: container.id });
      }
      const run = (container: TestContainer, status: number) =>
        container.execEnded("e1", { args: ["sh", "-c", `exit ${status}`] });
      assert.deepEqual(await Promise.all([run(first, 1), run(second, 2)]), [1, 2]);
    },
  },
  {
    name: "a socket whose shim was killed is no obstacle to a new one",
    async run(bench) {
      const container = await bench.launched();
      const file = container.shim.socketPath ?? "";
      await container.killShim();
      assert.ok(existsSync(file), "the socket went with the killed shim");
      await container.launch();
      await container.create();
    },
  },
  {
    name: "the socket is for root alone, and its directory too",
    async run(bench) {
      const { shim } = await bench.launched();
      const file = shim.socketPath ?? "";
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.equal(statSync(file.replace(/\/[^/]*$/, "")).mode & 0o066, 0);
    },
  },
  {
    name: "a shim lives on when the daemon's connection ends",
    async run(bench) {
      const container = await bench.running();
      const { shimPid } = await container.task.connect({ id: container.id });
      container.shim.connection.close();
      await container.launch();
      assert.equal((await container.task.connect({ id: container.id })).shimPid, shimPid);
    },
  },
  {
    name: "a client that connects and says nothing is no obstacle",
    async run(bench) {
      const container = await bench.created();
      const socket = net.connect({ path: container.shim.socketPath ?? "" });
      bench.atEnd(() => socket.destroy());
      assert.equal(stateName((await container.task.state({ id: container.id })).status), "created");
    },
  },
];

export const groupCases = about("groups", [...byAnnotation, ...others]);
