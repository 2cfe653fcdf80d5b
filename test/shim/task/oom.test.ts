import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import type { TaskClient } from "../../../src/client/index.ts";
import { noContainers, Workshop } from "../harness.ts";

const SIGKILL = 9;
const LIMIT = 32 << 20;
/** Allocates and touches more than there is. */
const TOO_MUCH = ["dd", "if=/dev/zero", "of=/dev/null", `bs=${LIMIT * 4}`, "count=1"];
const shop = new Workshop();
const skip = noContainers;

/** What the daemon sends for a limit on memory, swap included. */
const limit = {
  typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources",
  value: Buffer.from(JSON.stringify({ memory: { limit: LIMIT, swap: LIMIT } })),
};

async function create(id: string, args: readonly string[]): Promise<TaskClient> {
  const { task } = await shop.create(id, { args });
  await task.update({ id, resources: limit });
  return task;
}

const told = (id: string, topic: string) =>
  until(`${topic} of ${id}`, () =>
    shop.history(id).some((line) => line.startsWith(topic)) ? true : undefined,
  );

async function remove(task: TaskClient, id: string): Promise<void> {
  await task.delete({ id });
  await told(id, "/tasks/delete");
}

describe("a container that is out of memory", () => {
  test("is told before the exit of its init, which was killed for that", { skip }, async () => {
    const id = "greedy";
    const task = await create(id, TOO_MUCH);
    await task.start({ id });
    assert.equal((await task.wait({ id })).exitStatus, 137);
    await remove(task, id);
    assert.deepEqual(shop.history(id), [
      "/tasks/create",
      "/tasks/start",
      "/tasks/oom",
      "/tasks/exit 137",
      "/tasks/delete 137",
    ]);
  });

  test("is told before the exit of an exec that was killed for that, and its init lives on", {
    skip,
  }, async () => {
    const id = "host";
    const task = await create(id, ["sleep", "1000"]);
    await task.start({ id });
    const spec = {
      typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Process",
      value: Buffer.from(JSON.stringify({ args: TOO_MUCH, cwd: "/", env: ["PATH=/bin"], user: {} })),
    };
    await task.exec({ id, execId: "guest", spec });
    await task.start({ id, execId: "guest" });
    assert.equal((await task.wait({ id, execId: "guest" })).exitStatus, 137);
    await task.kill({ id, signal: SIGKILL });
    await task.wait({ id });
    await remove(task, id);
    // The kernel may kill it before its start has been answered.
    const history = shop.history(id).filter((line) => line !== "/tasks/exec-started");
    assert.deepEqual(history, [
      "/tasks/create",
      "/tasks/start",
      "/tasks/exec-added",
      "/tasks/oom",
      "/tasks/exit 137",
      "/tasks/exit 137",
      "/tasks/delete 137",
    ]);
  });

  test("is told also when none of the processes ends that the daemon knows", { skip }, async () => {
    const id = "parent";
    const task = await create(id, ["sh", "-c", `${TOO_MUCH.join(" ")}; exec sleep 1000`]);
    await task.start({ id });
    await told(id, "/tasks/oom");
    await task.kill({ id, signal: SIGKILL });
    await task.wait({ id });
    await remove(task, id);
    const history = shop.history(id).filter((line) => line === "/tasks/oom");
    assert.deepEqual(history, ["/tasks/oom"]);
  });
});
