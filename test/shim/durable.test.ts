/** What outlives a daemon that is away, and what outlives the shim itself. */
import assert from "node:assert/strict";
import path from "node:path";
import { describe, test } from "node:test";
import { deleteShim, EventReceiver } from "../../src/client/index.ts";
import { readExitRecord } from "../../src/oci/exit-record.ts";
import { shimPath } from "../support/shim-process.ts";
import { processSpec, runExec, story } from "./exec-scene.ts";
import { NAMESPACE, noContainers, Workshop } from "./harness.ts";

const SIGKILL = 9;
const shop = new Workshop();
const skip = noContainers;

describe("a daemon that was away", () => {
  test("is told every exit and every deletion when it is back, in order and once", { skip }, async () => {
    const id = "away";
    const address = path.join(shop.dir, "daemon");
    const first = await EventReceiver.listen(address);
    const env = { TTRPC_ADDRESS: first.address };
    const { task } = await shop.create(id, {}, env);
    await task.start({ id });
    await runExec({ task }, id, "before", ["true"]);
    await task.wait({ id, execId: "before" });
    const told = (event: { topic: string }) => event.topic === "/tasks/exit";
    await first.waitFor(told, 5_000, "the first exit");
    const before = [...first.received];
    await first.close();

    const ids = Array.from({ length: 20 }, (_, n) => `e${n}`);
    for (const [n, execId] of ids.entries()) {
      await runExec({ task }, id, execId, ["sh", "-c", `exit ${n}`]);
      await task.wait({ id, execId });
    }
    await task.kill({ id, signal: SIGKILL });
    await task.wait({ id });
    await task.delete({ id });

    const second = await EventReceiver.listen(address);
    await second.waitFor(({ topic }) => topic === "/tasks/delete", 10_000, "the deletion");
    const during = ids.flatMap((execId, n) => [
      `exec-added ${execId}`,
      `exec-started ${execId}`,
      `exit ${execId} ${n}`,
    ]);
    assert.deepEqual(story([...before, ...second.received], id), [
      ...["create init", "start init"],
      ...["exec-added before", "exec-started before", "exit before 0"],
      ...during,
      ...["exit init 137", "delete init"],
    ]);
    await second.close();
  });
});

describe("a shim that was killed", () => {
  test("has left how its processes ended before, and the delete command tells it", { skip }, async () => {
    const id = "ended";
    const { bundle, task, pid } = await shop.create(id, { args: ["sh", "-c", "exit 7"] });
    const exec = await runExec({ task }, id, "e1", ["sh", "-c", "exit 3"]);
    await task.wait({ id, execId: "e1" });
    await task.start({ id });
    const { exitedAt } = await task.wait({ id });
    const { shimPid } = await task.connect({ id });
    process.kill(shimPid, "SIGKILL");
    const record = readExitRecord(bundle.path, "e1");
    assert.deepEqual([record?.pid, record?.status], [exec, 3]);
    const deletion = await deleteShim(commandFor(id, bundle.path));
    assert.deepEqual([deletion.pid, deletion.exitStatus, deletion.warnings], [pid, 7, ""]);
    const ms = (exitedAt?.seconds ?? 0) * 1_000 + (exitedAt?.nanos ?? 0) / 1_000_000;
    assert.equal(deletion.exitedAt?.getTime(), ms);
    assert.deepEqual(shop.traces(bundle), []);
  });

  test("while its container and an exec run has both ended by the delete command", { skip }, async () => {
    const id = "running";
    const { bundle, task, pid } = await shop.create(id);
    await task.start({ id });
    await task.exec({ id, execId: "e1", spec: processSpec(["sleep", "1000"]) });
    await task.start({ id, execId: "e1" });
    const { shimPid } = await task.connect({ id });
    process.kill(shimPid, "SIGKILL");
    const deletion = await deleteShim(commandFor(id, bundle.path));
    assert.deepEqual([deletion.pid, deletion.exitStatus, deletion.warnings], [pid, 137, ""]);
    assert.deepEqual(shop.traces(bundle), []);
  });

  function commandFor(id: string, bundle: string) {
    const address = path.join(shop.dir, "containerd.sock");
    const base = { binary: shimPath, namespace: NAMESPACE, ttrpcAddress: shop.events.address };
    return { ...base, id, bundle, address };
  }
});
