import assert from "node:assert/strict";
import fs from "node:fs";
import { after, afterEach, before, describe, test } from "node:test";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { sleep } from "../../src/base/deadline.ts";
import { StatusCode } from "../../src/base/status.ts";
import { containerd } from "../../src/proto/index.ts";
import { watched } from "../support/watched.ts";
import { holdCopy } from "./copy-holder.ts";
import { DATA_BYTES, dirtyContainer, ended, hasEnded, STATUS } from "./dirty-container.ts";
import { noContainers, refused, Workshop } from "./harness.ts";

const { Status } = containerd.v1.types;
const SIGKILL = 9;
const shop = new Workshop();
const skip = noContainers || (whyNoSlowDisk() ?? false);
let disk: SlowDisk;

before(async () => {
  if (skip === false) disk = await makeSlowDisk();
});
afterEach(() => disk?.lift());
after(() => disk?.dispose());

/** Says how long a call took: the tests assert what came before what, people may want to know more. */
async function timed<T>(what: string, call: Promise<T>): Promise<T> {
  const started = performance.now();
  const outcome = await call;
  process.stdout.write(`  ${what}: ${(performance.now() - started).toFixed(1)} ms\n`);
  return outcome;
}

describe("a release that does not end", () => {
  test("holds up nobody: Delete and State answer, the shim goes, the data comes through", {
    skip,
  }, async () => {
    const id = "stuck";
    const { bundle, task, shim, upper, helpers, written, assertDurable } = await dirtyContainer(
      shop,
      disk,
      id,
    );
    assert.equal((await timed("Delete", task.delete({ id }))).exitStatus, STATUS);
    assert.deepEqual(shop.traces(bundle), []);
    const [helper = 0] = helpers();
    assert.ok(!hasEnded(helper), "no helper holds the mount");
    assert.ok(written() < DATA_BYTES, "Delete waited for the disk");
    const { shimPid } = await task.connect({ id });

    // The shim is as free as before: another container lives and dies in it.
    const { task: same } = await shop.create("neighbour", { args: ["sh", "-c", "exit 4"], shim });
    assert.equal((await timed("State", same.state({ id: "neighbour" }))).status, Status.CREATED);
    await same.start({ id: "neighbour" });
    assert.equal((await same.wait({ id: "neighbour" })).exitStatus, 4);
    await same.delete({ id: "neighbour" });

    const [entry] = shop.pending().filter((one) => one.id === id);
    assert.deepEqual([entry?.kind, entry?.source, entry?.mode], ["overlay", upper, "deferred"]);
    await task.shutdown({ id });
    await shim.connection.closed;
    await timed("the shim's end after Shutdown", ended("the shim", [shimPid]));
    assert.ok(!hasEnded(helper), "the helper ended before the sync");
    assert.deepEqual(helpers(), [helper]);

    disk.lift();
    await ended("the helper", [helper]);
    assert.deepEqual(helpers(), []);
    await assertDurable();
  });

  test("is told in the shim's log once it has ended, with what it was and how long it took", {
    skip,
  }, async () => {
    const id = "told";
    const { bundle, task, upper, helpers } = await dirtyContainer(shop, disk, id);
    await task.delete({ id });
    const [helper] = helpers();
    const told = () => shop.log(id).find(({ msg }) => msg === "the rootfs is released");
    // One that is over at once is not told.
    await sleep(200);
    assert.equal(told(), undefined);
    disk.lift();
    const line = await until("the line", told);
    assert.deepEqual(line.mounts, [{ mountPoint: bundle.rootfs, source: upper }]);
    assert.deepEqual(line.helpers, [helper]);
    assert.ok(Number(line.ms) >= 200);
  });

  test("does not keep the `delete` command from cleaning up after a killed shim", { skip }, async () => {
    const id = "shot";
    const { bundle, task, helpers, assertDurable } = await dirtyContainer(shop, disk, id);
    process.kill((await task.connect({ id })).shimPid, "SIGKILL");
    const { exitStatus, warnings } = await timed("the delete command", shop.deleteDead(bundle));
    assert.deepEqual([exitStatus, warnings], [STATUS, ""]);
    assert.deepEqual(shop.traces(bundle), []);
    const pids = helpers();
    assert.equal(pids.filter(hasEnded).length, 0, "no helper is at work");
    disk.lift();
    await ended("the helper", pids);
    await assertDurable();
  });
});

describe("a container on an upper directory whose release goes on", () => {
  for (const [where, inSameShim] of [
    ["the same shim", true],
    ["another shim", false],
  ] as const) {
    test(`is made, in ${where}, when that has ended`, { skip }, async () => {
      const [id, next] = [`first-${inSameShim}`, `next-${inSameShim}`];
      const { task, shim, helpers } = await dirtyContainer(shop, disk, id);
      await task.delete({ id });
      const [helper = 0] = helpers();
      const bundle = await shop.bundle(next, ["sha256sum", "-c", "/sum"]);
      const other = inSameShim ? shim : await shop.launch(bundle);
      const creation = other.task.create({
        id: next,
        bundle: bundle.path,
        rootfs: [shop.overlay(id, disk.mountPoint)],
      });
      const log = inSameShim ? id : next;
      const waits = () => shop.log(log).find(({ msg }) => msg === "the mount waits for a release");
      assert.equal((await until("the wait", waits)).helper, helper);
      assert.deepEqual(shop.traces(bundle), []);
      assert.ok(!hasEnded(helper));
      disk.lift();
      await creation;
      assert.ok(hasEnded(helper), "it was mounted before the release had ended");
      await other.task.start({ id: next });
      assert.equal((await other.task.wait({ id: next })).exitStatus, 0);
      await other.task.delete({ id: next });
    });
  }

  test("is refused past the limit, with the directory, the age and the helper; nothing is left", {
    skip,
  }, async () => {
    const [id, next] = ["holder", "refused"];
    const { task, upper, helpers } = await dirtyContainer(shop, disk, id);
    await task.delete({ id });
    const bundle = await shop.bundle(next, ["true"]);
    const files = () => fs.readdirSync(bundle.rootfs);
    const { task: other } = await shop.launch(bundle, { EBB_PENDING_MS: "100" });
    const request = { id: next, bundle: bundle.path, rootfs: [shop.overlay(id, disk.mountPoint)] };
    const message = new RegExp(
      `^${upper} is still being released, for \\d+ s, by pid ${helpers()[0]} \\(the rootfs of ${id}\\): waited 100 ms`,
    );
    await refused(other.create(request), StatusCode.unavailable, message);
    assert.deepEqual(shop.traces(bundle), []);
    assert.deepEqual(files(), []);
    await refused(other.state({ id: next }), StatusCode.notFound, /container refused does not exist/);
    disk.lift();
    await ended("the helper", helpers());
    // Nothing was left half made: the same call is taken now.
    await other.create(request);
    await other.delete({ id: next });
    assert.deepEqual(shop.traces(bundle), []);
  });
});

describe("a rootfs of which another mount namespace has a copy", () => {
  test("is deleted at once, and who has the copy is told in the log", { skip }, async () => {
    const id = "copied";
    const { bundle, task, helpers, written, assertDurable } = await dirtyContainer(shop, disk, id);
    const holder = await holdCopy(bundle.rootfs);
    try {
      await task.delete({ id });
      assert.deepEqual(shop.traces(bundle), []);
      const told = () =>
        shop.log(id).find(({ msg }) => msg.startsWith("somebody else still holds the rootfs"));
      const line = await until("the line", told);
      const holders = line.holders as { namespace: number; pids: number[]; mountPoints: string[] }[];
      const found = holders.find(({ namespace }) => namespace === holder.namespace);
      assert.deepEqual([found?.pids, found?.mountPoints], [[holder.pid], [bundle.rootfs]]);
      // The helper had nothing to wait for: who has the last copy writes.
      await ended("the helper", helpers());
      assert.ok(written() < DATA_BYTES);
    } finally {
      disk.lift();
      await holder.end();
    }
    await assertDurable();
  });

  test("is deleted in mode strict when all is written all the same", { skip }, async () => {
    const id = "copied-strict";
    const annotations = { "io.containerd.ebb.release": "strict" };
    const made = await dirtyContainer(shop, disk, id, { annotations });
    const { bundle, task, shim, written, helpers, assertDurable } = made;
    const holder = await holdCopy(bundle.rootfs);
    try {
      const deletion = watched(task.delete({ id }));
      await until("the end of the helper", () =>
        !shop.traces(bundle).includes(bundle.rootfs) && helpers().length === 0 ? true : undefined,
      );
      const { task: same } = await shop.create("beside-strict", { shim });
      await same.kill({ id: "beside-strict", signal: SIGKILL });
      await same.delete({ id: "beside-strict" });
      assert.equal(deletion.isAnswered(), false);
      assert.ok(written() < DATA_BYTES);
      disk.lift();
      await deletion.answer;
      assert.ok(written() >= DATA_BYTES, "Delete answered before all was written");
      await assertDurable();
    } finally {
      disk.lift();
      await holder.end();
    }
  });
});
