/** Containers of one pod, which share a shim. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { describe, test } from "node:test";
import { containerd } from "../../src/proto/index.ts";
import { runExec, story } from "./exec-scene.ts";
import { noContainers, Workshop } from "./harness.ts";

const SIGKILL = 9;
const { Status } = containerd.v1.types;
const shop = new Workshop();
const skip = noContainers;

describe("the containers of a pod", () => {
  for (const annotation of ["io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"]) {
    test(`by ${annotation} share one shim, which ends with the last of them`, { skip }, async () => {
      const pod = `pod-${annotation.length}`;
      const ids = ["a", "b", "c"].map((name) => `${pod}-${name}`);
      const shims = [];
      for (const id of ids) {
        const bundle = await shop.bundle(id, ["sleep", "1000"], { [annotation]: pod });
        const shim = await shop.launch(bundle);
        await shim.task.create({ id, bundle: bundle.path, rootfs: [shop.overlay(id)] });
        await shim.task.start({ id });
        shims.push(shim);
      }
      assert.equal(new Set(shims.map(({ answer }) => answer.address)).size, 1);
      const [first] = shims;
      assert.ok(first !== undefined);
      const { task } = first;
      const pids = await Promise.all(
        shims.map(async (shim) => (await shim.task.connect({ id: "" })).shimPid),
      );
      assert.equal(new Set(pids).size, 1);

      // The same exec id in each: they are told apart by their containers.
      for (const id of ids) await runExec({ task }, id, "e1", ["sleep", "1000"]);
      for (const [n, id] of ids.entries()) {
        await task.kill({ id, signal: SIGKILL });
        await task.wait({ id });
        await task.delete({ id });
        for (const other of ids.slice(n + 1)) {
          assert.equal((await task.state({ id: other })).status, Status.RUNNING);
          assert.equal((await task.state({ id: other, execId: "e1" })).status, Status.RUNNING);
        }
        if (n + 1 < ids.length) {
          await task.shutdown({ id });
          assert.ok((await task.connect({ id })).shimPid > 0);
        }
      }
      await task.shutdown({ id: pod });
      await Promise.all(shims.map(({ connection }) => connection.closed));
      assert.equal(fs.existsSync(first.socketPath ?? ""), false);
      for (const id of ids) {
        await shop.events.waitFor(
          (e) => e.type === "containerd.events.TaskDelete" && e.event.containerId === id,
          5_000,
        );
        const told = story(shop.events.received, id).slice(-3);
        assert.deepEqual(told, ["exit e1 137", "exit init 137", "delete init"]);
      }
    });
  }
});
