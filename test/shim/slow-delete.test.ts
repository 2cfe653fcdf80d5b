import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { readFromDisk } from "../../lab/read-from-disk.ts";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { deferred } from "../../src/base/deferred.ts";
import { readProcessStat } from "../../src/linux/process-stat.ts";
import { containerd } from "../../src/proto/index.ts";
import { fakeRunc, NAMESPACE, noContainers, Workshop } from "./harness.ts";

const { Status } = containerd.v1.types;
const SIGKILL = 9;
const DATA_MIB = 8;
const shop = new Workshop();
const skip = noContainers || (whyNoSlowDisk() ?? false);

/** Writes into the container's own root file system, and says so. */
const SCRIPT = `dd if=/dev/urandom of=/data bs=1M count=${DATA_MIB} && sha256sum /data > /tmp/sum && mv /tmp/sum /sum; sleep 1000`;

describe("deleting a container on a disk that takes next to nothing", () => {
  let disk: SlowDisk;
  before(async () => {
    if (skip === false) disk = await makeSlowDisk();
  });
  after(async () => {
    disk?.lift();
    await disk?.dispose();
  });

  /** A container with data that is not on the disk yet, killed, with the disk throttled to a byte a second. */
  async function withDirtyData(id: string) {
    const made = await shop.create(id, { args: ["sh", "-c", SCRIPT], upperIn: disk.mountPoint });
    const upper = path.join(disk.mountPoint, "upper", id);
    disk.throttle(1);
    await made.task.start({ id });
    await until("the data", () => (fs.existsSync(path.join(upper, "sum")) ? true : undefined));
    await made.task.kill({ id, signal: SIGKILL, all: true });
    await made.task.wait({ id });
    const helpers = () => shop.pending().flatMap((one) => (one.id === id ? [one.helper.pid] : []));
    return { ...made, upper, helpers };
  }

  async function assertDurable(upper: string): Promise<void> {
    const digest = createHash("sha256")
      .update(readFromDisk(path.join(upper, "data")))
      .digest("hex");
    assert.equal(digest, fs.readFileSync(path.join(upper, "sum"), "utf8").slice(0, 64));
  }

  test("answers while the sync is still running, and so do all other calls; the data comes through", {
    skip,
  }, async () => {
    const id = "stuck";
    const { bundle, task, shim, upper, helpers } = await withDirtyData(id);
    const writtenBefore = disk.writtenBytes();
    const { exitStatus } = await task.delete({ id });
    assert.equal(exitStatus, 137);
    assert.deepEqual(shop.traces(bundle), []);
    const [helper = 0] = helpers();
    assert.ok(readProcessStat(helper) !== undefined, "no helper holds the mount");
    assert.ok(disk.writtenBytes() - writtenBefore < DATA_MIB << 20, "Delete waited for the disk");

    // The shim is as free as before: another container lives and dies in it, on the very disk's neighbour.
    const other = await shop.bundle("neighbour", ["sh", "-c", "exit 4"]);
    await task.create({ id: "neighbour", bundle: other.path, rootfs: [shop.overlay("neighbour")] });
    assert.equal((await task.state({ id: "neighbour" })).status, Status.CREATED);
    await task.start({ id: "neighbour" });
    assert.equal((await task.wait({ id: "neighbour" })).exitStatus, 4);
    await task.delete({ id: "neighbour" });

    // And it can go, while the helper stays at its work.
    const { shimPid } = await task.connect({ id });
    await task.shutdown({ id });
    await shim.connection.closed;
    await until("the shim to end", () =>
      ["Z", undefined].includes(readProcessStat(shimPid)?.state) ? true : undefined,
    );
    assert.ok(![undefined, "Z"].includes(readProcessStat(helper)?.state), "the helper ended before the sync");

    disk.lift();
    await until("the helper to end", () =>
      ["Z", undefined].includes(readProcessStat(helper)?.state) ? true : undefined,
    );
    assert.ok(disk.writtenBytes() - writtenBefore >= DATA_MIB << 20, "the sync ended without the data");
    await assertDurable(upper);
  });

  test("is not needed for the `delete` command to clean up after a killed shim at once", {
    skip,
  }, async () => {
    const id = "shot";
    const { bundle, task, upper, helpers } = await withDirtyData(id);
    const { shimPid } = await task.connect({ id });
    process.kill(shimPid, "SIGKILL");
    const { runShim } = await import("../support/shim-process.ts");
    const flags = ["-namespace", NAMESPACE, "-address", path.join(shop.dir, "containerd.sock"), "-id", id];
    const outcome = await runShim([...flags, "-bundle", bundle.path, "delete"], { cwd: bundle.path });
    const answer = containerd.task.v2.DeleteResponse.decode(outcome.stdout);
    assert.equal(answer.exitStatus, 137, outcome.stderr);
    assert.equal(outcome.stderr, "");
    assert.deepEqual(shop.traces(bundle), []);
    const [helper = 0] = helpers();
    assert.ok(![undefined, "Z"].includes(readProcessStat(helper)?.state), "no helper is at work");
    disk.lift();
    await until("the helper to end", () =>
      ["Z", undefined].includes(readProcessStat(helper)?.state) ? true : undefined,
    );
    await assertDurable(upper);
  });
});

describe("while the OCI runtime hangs in delete", () => {
  test("State, Wait, Pids, Kill and Connect answer, also for that very container", {
    skip: noContainers,
  }, async () => {
    const id = "hanging";
    const dir = path.join(shop.dir, "fake");
    fs.mkdirSync(dir);
    const ready = path.join(dir, "delete-runs");
    const scenario = path.join(dir, "scenario.json");
    fs.writeFileSync(
      scenario,
      JSON.stringify({
        commands: { create: { init: ["sh", "-c", "exit 5"] }, delete: { ready, hang: true } },
      }),
    );
    const binary = path.join(dir, "runc");
    fs.writeFileSync(
      binary,
      `#!/bin/sh\nEBB_FAKE_RUNC=${scenario} exec ${process.execPath} ${fakeRunc} "$@"\n`,
      { mode: 0o755 },
    );
    const options = {
      typeUrl: "containerd.runc.v1.Options",
      value: containerd.runc.v1.Options.encode({ binaryName: binary, root: path.join(dir, "root") }).finish(),
    };
    const { task } = await shop.create(id, { options, rootfs: [] });
    await task.start({ id });
    assert.equal((await task.wait({ id })).exitStatus, 5);
    let deleted = false;
    const over = deferred();
    task.delete({ id }).then(
      () => {
        deleted = true;
        over.resolve();
      },
      () => over.resolve(),
    );
    await until("runc delete", () => (fs.existsSync(ready) ? true : undefined));
    assert.equal((await task.state({ id })).status, Status.STOPPED);
    assert.equal((await task.wait({ id })).exitStatus, 5);
    assert.deepEqual((await task.pids({ id })).processes, []);
    await assert.rejects(task.kill({ id, signal: SIGKILL }), /already finished/);
    assert.ok((await task.connect({ id })).shimPid > 1);
    assert.equal(deleted, false);
    process.kill(Number(fs.readFileSync(ready, "utf8")), "SIGKILL");
    await over.promise;
  });
});
