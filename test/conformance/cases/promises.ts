import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { makeSlowDisk, whyNoSlowDisk } from "../../../lab/slow-disk.ts";
import { until } from "../../../lab/until.ts";
import type { Bench } from "../bench.ts";
import { about, type ConformanceCase } from "../case.ts";
import { stateName } from "../expect.ts";
import { recordingRuntime } from "../runtimes.ts";
import type { TestContainer } from "../test-container.ts";

/** How long a call may take beside something that does not end at all, in milliseconds. */
const PROMPT = { timeoutMs: 4_000 };

/** Calls for a stopped container, or for its neighbour in the shim, that nothing slow may hold up. */
const CALLS: Readonly<
  Record<string, (container: TestContainer, neighbour: TestContainer) => Promise<unknown>>
> = {
  State: async ({ id, task }) => {
    assert.equal(stateName((await task.state({ id }, PROMPT)).status), "stopped");
  },
  Wait: async ({ id, task }) => {
    assert.equal((await task.wait({ id }, PROMPT)).exitStatus, 7);
  },
  Pids: ({ id, task }) => task.pids({ id }, PROMPT),
  Connect: ({ id, task }) => task.connect({ id }, PROMPT),
  Kill: ({ id, task }) => assert.rejects(task.kill({ id, signal: 9 }, PROMPT), { code: 5 }),
  "the neighbour's State": (_, { id, task }) => task.state({ id }, PROMPT),
  "the neighbour's whole life": async (_, neighbour) => {
    const { id, task } = neighbour;
    await task.start({ id }, PROMPT);
    await task.kill({ id, signal: 9 }, PROMPT);
    await task.wait({ id }, PROMPT);
    await task.delete({ id }, PROMPT);
    await task.create(neighbour.request(), PROMPT);
  },
};

/** A stopped container and a neighbour that is created, in one shim. */
async function twoInOne(bench: Bench, plan: Parameters<Bench["stopped"]>[0]) {
  const annotations = { "io.containerd.runc.v2.group": "c1" };
  const container = await bench.running({
    annotations,
    args: ["sh", "-c", "echo data >/data; exit 7"],
    ...plan,
  });
  await container.task.wait({ id: container.id });
  const neighbour = await bench.created({ annotations });
  return { container, neighbour };
}

const whileRuntimeHangs = Object.entries(CALLS).map(
  ([name, call]): ConformanceCase => ({
    name: `${name} is answered while the OCI runtime hangs in delete`,
    promise: true,
    async run(bench) {
      const [entered, go] = [path.join(bench.dir, "entered"), path.join(bench.dir, "go")];
      const hang = `touch ${entered}; until [ -e ${go} ]; do sleep 0.05; done`;
      const { options } = recordingRuntime(bench, { delete: `case " $* " in *" c1 "*) ${hang} ;; esac` });
      bench.atEnd(() => writeFileSync(go, ""));
      const { container, neighbour } = await twoInOne(bench, { options });
      const deleting = container.task.delete({ id: container.id });
      deleting.catch(() => {});
      await until("delete", () => (existsSync(entered) ? true : undefined));
      await call(container, neighbour);
      writeFileSync(go, "");
      await deleting;
    },
  }),
);

/** Stops a container whose data a disk does not take, with the disk at a byte a second. */
async function onStuckDisk(bench: Bench) {
  const disk = await makeSlowDisk();
  bench.afterwards(() => disk.dispose());
  bench.atEnd(() => disk.lift());
  const [upper, work] = [path.join(disk.mountPoint, "upper"), path.join(disk.mountPoint, "work")];
  for (const dir of [upper, work]) mkdirSync(dir);
  const options = [`lowerdir=${bench.target.lower}`, `upperdir=${upper}`, `workdir=${work}`];
  const two = await twoInOne(bench, {
    request: { rootfs: [{ type: "overlay", source: "overlay", options }] },
  });
  disk.throttle(1);
  return { ...two, lift: () => disk.lift() };
}

/** Sets a Delete off and waits until it has come as far as the OCI runtime's own end. */
async function beginDelete(bench: Bench, { id, task }: TestContainer): Promise<{ done: Promise<unknown> }> {
  const deleting = task.delete({ id });
  deleting.catch(() => {});
  const state = path.join("/run/containerd/runc", bench.namespace, id);
  await until("the OCI runtime to be done", () => (existsSync(state) ? undefined : true));
  return { done: deleting };
}

/** Those whose answer does not depend on whether the container is gone already. */
const whileDiskIsStuck = ["Connect", "the neighbour's State", "the neighbour's whole life"].map(
  (name): ConformanceCase => ({
    name: `${name} is answered while the disk is stuck under a container that is being deleted`,
    promise: true,
    whyNot: whyNoSlowDisk,
    async run(bench) {
      const { container, neighbour, lift } = await onStuckDisk(bench);
      const { done } = await beginDelete(bench, container);
      await CALLS[name]?.(container, neighbour);
      lift();
      await done;
    },
  }),
);

const others: ConformanceCase[] = [
  {
    name: "Delete is answered while the disk is stuck, and the mount is gone by then",
    promise: true,
    whyNot: whyNoSlowDisk,
    async run(bench) {
      const { container, lift } = await onStuckDisk(bench);
      const { id, task } = container;
      assert.equal((await task.delete({ id }, PROMPT)).exitStatus, 7);
      assert.ok(!existsSync(path.join(container.bundle.rootfs, "bin")));
      lift();
    },
  },
  {
    name: "State is answered while the disk is stuck, by stopped or not found",
    promise: true,
    whyNot: whyNoSlowDisk,
    async run(bench) {
      const { container, lift } = await onStuckDisk(bench);
      const { id, task } = container;
      const { done } = await beginDelete(bench, container);
      const answer = await task.state({ id }, PROMPT).then(
        ({ status }) => stateName(status),
        (error: { code?: number }) => (error.code === 5 ? "not found" : Promise.reject(error)),
      );
      assert.match(answer, /^(stopped|not found)$/);
      lift();
      await done;
    },
  },
];

/** Commands of the OCI runtime that may hang, how they are set off, and how State is asked meanwhile. */
const HANGS: Readonly<Record<string, (container: TestContainer) => Promise<unknown>>> = {
  exec: async (container) => container.execStarted("e1"),
  pause: ({ id, task }) => task.pause({ id }),
  update: ({ id, task }) => task.update({ id, resources: { typeUrl: "x", value: Buffer.from("{}") } }),
};

const whileCommandHangs = Object.entries(HANGS).map(
  ([command, call]): ConformanceCase => ({
    name: `State and Kill are answered while the OCI runtime hangs in ${command}`,
    promise: true,
    async run(bench) {
      const [entered, go] = [path.join(bench.dir, "entered"), path.join(bench.dir, "go")];
      const hang = `touch ${entered}; until [ -e ${go} ]; do sleep 0.05; done`;
      const { options } = recordingRuntime(bench, { [command]: hang });
      bench.atEnd(() => writeFileSync(go, ""));
      const container = await bench.running({ options });
      const { id, task } = container;
      call(container).catch(() => {});
      await until(command, () => (existsSync(entered) ? true : undefined));
      assert.match(stateName((await task.state({ id }, PROMPT)).status), /^(running|pausing)$/);
      await task.kill({ id, signal: 9 }, PROMPT);
    },
  }),
);

export const promiseCases = about("promises", [
  ...whileRuntimeHangs,
  ...whileDiskIsStuck,
  ...others,
  ...whileCommandHangs,
]);
