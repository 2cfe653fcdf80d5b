import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import type { Bench } from "../bench.ts";
import { about, type ConformanceCase } from "../case.ts";
import { Streams } from "../streams.ts";
import type { TestContainer } from "../test-container.ts";

/** States in which a shim may be killed, and what its binary's `delete` says of the container then. */
const STATES: readonly [string, (bench: Bench) => Promise<TestContainer>, number | undefined][] = [
  ["has no container", (bench) => bench.launched(), undefined],
  ["has created one", (bench) => bench.created(), 137],
  ["has one that runs", (bench) => bench.running(), 137],
  [
    "has one that is paused",
    async (bench) => {
      const container = await bench.running();
      await container.task.pause({ id: container.id });
      return container;
    },
    137,
  ],
  ["has one that has stopped", (bench) => bench.stopped({ args: ["true"] }), undefined],
  [
    "has deleted one",
    async (bench) => {
      const container = await bench.stopped();
      await container.task.delete({ id: container.id });
      return container;
    },
    undefined,
  ],
  [
    "has one with processes",
    async (bench) => {
      const container = await bench.running();
      await container.execStarted("e1");
      await container.execEnded("e2", { args: ["true"] });
      return container;
    },
    137,
  ],
  [
    "has one that nobody reads from",
    async (bench) => {
      const streams = await Streams.open(bench, "s");
      const container = await bench.running({ args: ["yes"], request: streams.request });
      await streams.until("y\n");
      streams.leave();
      return container;
    },
    137,
  ],
];

const inState = STATES.map(
  ([state, reach, exitStatus]): ConformanceCase => ({
    name: `after the death of a shim that ${state}, delete leaves nothing`,
    async run(bench) {
      const container = await reach(bench);
      await container.killShim();
      const answer = await container.deleteByBinary();
      if (exitStatus !== undefined) assert.equal(answer.exitStatus, exitStatus);
      await container.end();
      assert.deepEqual(await bench.left(), []);
    },
  }),
);

const others: ConformanceCase[] = [
  {
    name: "delete tells the pid and a recent time of a container that it killed",
    async run(bench) {
      const container = await bench.launched();
      const pid = await container.create();
      await container.task.start({ id: container.id });
      await container.killShim();
      const answer = await container.deleteByBinary();
      assert.equal(answer.pid, pid);
      assert.ok(Math.abs((answer.exitedAt?.getTime() ?? 0) - Date.now()) < 60_000, String(answer.exitedAt));
    },
  },
  {
    name: "delete can be called again",
    async run(bench) {
      const container = await bench.running();
      await container.killShim();
      await container.deleteByBinary();
      await container.deleteByBinary();
    },
  },
  {
    name: "delete where nothing ever was has nothing to say, and is no error",
    async run(bench) {
      const container = await bench.bundle();
      await container.deleteByBinary();
    },
  },
  {
    name: "delete unmounts the rootfs",
    async run(bench) {
      const container = await bench.running();
      assert.ok(existsSync(path.join(container.bundle.rootfs, "bin/busybox")));
      await container.killShim();
      await container.deleteByBinary();
      assert.ok(!existsSync(path.join(container.bundle.rootfs, "bin/busybox")));
    },
  },
  {
    name: "delete works in a bundle that has lost its files",
    async run(bench) {
      const container = await bench.running();
      await container.killShim();
      for (const name of ["init.pid", "address", "options.json", "runtime", "log.json"]) {
        rmSync(path.join(container.bundle.path, name), { force: true });
      }
      await container.deleteByBinary();
    },
  },
  {
    name: "delete finds a container in the root that the options named",
    async run(bench) {
      const root = path.join(bench.dir, "runtime-root");
      const container = await bench.running({ options: { root } });
      await container.killShim();
      await container.deleteByBinary();
      assert.ok(!existsSync(path.join(root, bench.namespace, container.id)), "it is still there");
    },
  },
  {
    name: "the same id runs again after a death and delete",
    async run(bench) {
      const container = await bench.running({ args: ["sh", "-c", "sleep 0.2; exit 9"] });
      await container.killShim();
      await container.deleteByBinary();
      await container.launch();
      await container.create();
      const { id, task } = container;
      await task.start({ id });
      assert.equal((await task.wait({ id })).exitStatus, 9);
    },
  },
  {
    name: "delete of one container of a group leaves the other and its shim alone",
    async run(bench) {
      const annotations = { "io.containerd.runc.v2.group": "c1" };
      const first = await bench.running({ annotations });
      const second = await bench.stopped({ annotations });
      await second.task.delete({ id: second.id });
      await second.deleteByBinary();
      assert.ok((await first.task.connect({ id: first.id })).taskPid > 1);
      assert.equal(await first.kill(), 137);
    },
  },
];

export const deathCases = about("deaths", [...inState, ...others]);
