import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { deferred } from "../../src/base/deferred.ts";
import { StatusCode } from "../../src/base/status.ts";
import { containerd } from "../../src/proto/index.ts";
import { makeFakeRunc } from "../oci/helpers.ts";
import { hasEnded } from "./dirty-container.ts";
import { noContainers, refused, Workshop } from "./harness.ts";

const { Status } = containerd.v1.types;
const SIGKILL = 9;
const shop = new Workshop();
const skip = noContainers;

/** A container that has ended with status 5, whose OCI runtime deletes as the actions say, one a call. */
async function ended(id: string, actions: readonly object[], rootfs: containerd.types.IMount[] = []) {
  const dir = path.join(shop.dir, id);
  fs.mkdirSync(dir);
  const runc = makeFakeRunc(dir, { create: { init: ["sh", "-c", "exit 5"] }, delete: actions });
  const { binary, root } = runc;
  const value = containerd.runc.v1.Options.encode({ binaryName: binary, root }).finish();
  const made = await shop.create(id, { options: { typeUrl: "containerd.runc.v1.Options", value }, rootfs });
  await made.task.start({ id });
  assert.equal((await made.task.wait({ id })).exitStatus, 5);
  const deletions = () => runc.calls().filter(({ argv }) => argv.includes("delete")).length;
  return { ...made, dir, deletions };
}

/** Asserts that the container's deletion was announced once; a later event shows that no second one is on its way. */
async function assertDeletedOnce(id: string): Promise<void> {
  const marker = `${id}-after`;
  const { task } = await shop.create(marker, { args: ["true"] });
  await task.delete({ id: marker });
  const deleted = (line: string) => line.startsWith("/tasks/delete");
  await until("the last event", () => (shop.history(marker).some(deleted) ? true : undefined));
  assert.deepEqual(shop.history(id).filter(deleted), ["/tasks/delete 5"]);
}

describe("deleting a container", () => {
  test("goes on with the step that failed when it is called again", { skip }, async () => {
    const id = "retried";
    const failure = "cannot remove the cgroup: device or resource busy";
    const { bundle, task, deletions } = await ended(id, [{ fail: failure }, {}], [shop.overlay(id)]);
    await refused(task.delete({ id }), StatusCode.unknown, new RegExp(failure));
    assert.equal((await task.state({ id })).status, Status.STOPPED);
    assert.ok(shop.traces(bundle).includes(bundle.rootfs), "a later step was done before the failed one");
    assert.equal((await task.delete({ id })).exitStatus, 5);
    assert.equal(deletions(), 2);
    assert.deepEqual(shop.traces(bundle), []);
    await refused(task.delete({ id }), StatusCode.notFound, /container retried does not exist/);
    await assertDeletedOnce(id);
  });

  test("is known to the `delete` command, which calls the OCI runtime only where it is not over", {
    skip,
  }, async () => {
    const id = "known";
    const { bundle, task, deletions } = await ended(
      id,
      [{ fail: "no such luck" }, {}, {}],
      [shop.overlay(id)],
    );
    await refused(task.delete({ id }), StatusCode.unknown, /no such luck/);
    const early = await shop.deleteDead(bundle);
    assert.deepEqual([early.exitStatus, early.warnings, deletions()], [5, "", 2]);
    await task.delete({ id });
    const late = await shop.deleteDead(bundle);
    assert.deepEqual([late.exitStatus, late.warnings, deletions()], [5, "", 3]);
    assert.deepEqual([late.pid, late.exitedAt], [early.pid, early.exitedAt]);
  });

  test("says nothing of the next container in the same bundle, which the `delete` command cleans up", {
    skip,
  }, async () => {
    const id = "again";
    const { bundle, task } = await shop.create(id, { args: ["true"] });
    await task.start({ id });
    await task.wait({ id });
    await task.delete({ id });
    const { pid } = await task.create({ id, bundle: bundle.path, rootfs: [shop.overlay(id)] });
    const { shimPid } = await task.connect({ id });
    process.kill(shimPid, "SIGKILL");
    await until("the shim to die", () => (hasEnded(shimPid) ? true : undefined));
    assert.equal((await shop.deleteDead(bundle)).exitStatus, 128 + SIGKILL);
    assert.deepEqual(shop.traces(bundle), []);
    await until("the container to end", () => (hasEnded(pid) ? true : undefined));
  });

  test("by calls at the same time is one run with one answer", { skip }, async () => {
    const id = "at-once";
    const { task, deletions } = await ended(id, [{ sleepMs: 200 }]);
    const answers = await Promise.all(Array.from({ length: 5 }, () => task.delete({ id })));
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    assert.equal(answers[0]?.exitStatus, 5);
    assert.equal(deletions(), 1);
    await assertDeletedOnce(id);
  });

  test("by calls at the same time fails for all of them where a step fails", { skip }, async () => {
    const id = "at-once-failed";
    const { task, deletions } = await ended(id, [{ sleepMs: 500, fail: "no such luck" }, {}]);
    const calls = Array.from({ length: 3 }, () =>
      refused(task.delete({ id }), StatusCode.unknown, /no such luck/),
    );
    await Promise.all(calls);
    assert.equal(deletions(), 1);
    await task.delete({ id });
    assert.equal(deletions(), 2);
    await assertDeletedOnce(id);
  });

  test("that hangs in the OCI runtime holds up neither State, Wait, Pids, Kill nor Connect", {
    skip,
  }, async () => {
    const id = "hanging";
    const ready = path.join(shop.dir, "delete-runs");
    const { task } = await ended(id, [{ ready, hang: true }, {}]);
    const over = deferred();
    const deletion = task.delete({ id }).finally(over.resolve);
    deletion.catch(() => {});
    await until("runc delete", () => (fs.existsSync(ready) ? true : undefined));
    assert.equal((await task.state({ id })).status, Status.STOPPED);
    assert.equal((await task.wait({ id })).exitStatus, 5);
    assert.deepEqual((await task.pids({ id })).processes, []);
    await refused(task.kill({ id, signal: SIGKILL }), StatusCode.notFound, /already finished/);
    assert.ok((await task.connect({ id })).shimPid > 1);
    assert.equal(
      await Promise.race([over.promise.then(() => "over"), Promise.resolve("under way")]),
      "under way",
    );
    process.kill(Number(fs.readFileSync(ready, "utf8")), "SIGKILL");
    await assert.rejects(deletion, /runtime delete/);
    await task.delete({ id });
    await assertDeletedOnce(id);
  });
});
