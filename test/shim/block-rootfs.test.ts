import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { must } from "../../lab/command.ts";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { StatusCode } from "../../src/base/status.ts";
import { containerd } from "../../src/proto/index.ts";
import { watched } from "../support/watched.ts";
import { holdCopy } from "./copy-holder.ts";
import { DATA_BYTES, dirtyContainer, STATUS } from "./dirty-container.ts";
import { noContainers, refused, Workshop } from "./harness.ts";
import { shimOnHostWith } from "./odd-host.ts";

const { Status } = containerd.v1.types;
const SIGKILL = 9;
const shop = new Workshop();
const skip = noContainers || (whyNoSlowDisk() ?? false);

describe("a rootfs that is a block device", () => {
  let disk: SlowDisk;
  before(async () => {
    if (skip !== false) return;
    disk = await makeSlowDisk();
    await must("cp", ["-a", `${shop.lower}/.`, disk.mountPoint]);
    await must("umount", [disk.mountPoint]);
  });
  afterEach(() => disk?.lift());
  after(() => disk?.dispose());

  const rootfs = () => [{ type: "ext4", source: disk.device, target: "", options: [] }];
  /** Its data is on the device itself. */
  const options = () => ({ rootfs: rootfs(), upperIn: shop.dir });
  /** Opens the device as one does who wants it for himself; EBUSY while it is mounted anywhere. */
  const claim = () => fs.closeSync(fs.openSync(disk.device, fs.constants.O_RDWR | fs.constants.O_EXCL));

  /** Runs a container on the device that finds the data as it was written. */
  async function assertDurable(id: string): Promise<void> {
    const { task } = await shop.create(id, { args: ["sha256sum", "-c", "/sum"], rootfs: rootfs() });
    await task.start({ id });
    assert.equal((await task.wait({ id })).exitStatus, 0);
    await task.delete({ id });
    claim();
  }

  test("is free when Delete has answered; meanwhile the shim does everything else", { skip }, async () => {
    const id = "block";
    const made = await dirtyContainer(shop, disk, id, options());
    const { bundle, task, shim, written } = made;
    const deletion = watched(made.task.delete({ id }));
    await shop.detached(bundle);
    assert.throws(claim, /EBUSY/);
    assert.equal((await task.state({ id })).status, Status.STOPPED);
    assert.equal((await task.wait({ id })).exitStatus, STATUS);
    await refused(task.kill({ id, signal: SIGKILL }), StatusCode.notFound, /already finished/);
    await shop.create("block-beside", { shim });
    await task.delete({ id: "block-beside" });
    assert.equal(deletion.isAnswered(), false);
    disk.lift();
    assert.equal((await deletion.answer).exitStatus, STATUS);
    claim();
    assert.ok(written() >= DATA_BYTES);
    await assertDurable("block-after");
  });

  test("is free though another container, which is just being made, had a copy of it", { skip }, async () => {
    const id = "block-copied";
    const made = await dirtyContainer(shop, disk, id, { ...options(), slow: false });
    const holder = await holdCopy(made.bundle.rootfs);
    try {
      const deletion = watched(made.task.delete({ id }));
      await shop.detached(made.bundle);
      assert.throws(claim, /EBUSY/);
      await holder.end();
      await deletion.answer;
      claim();
    } finally {
      await holder.end();
    }
  });

  test("is waited for within a limit, which names the device, and again by the next Delete", {
    skip,
  }, async () => {
    const id = "block-limit";
    const env = { EBB_RELEASE_MS: "100" };
    const { task } = await dirtyContainer(shop, disk, id, { ...options(), env });
    const message = new RegExp(`\\(${disk.device} is a block device\\) took longer than 100 ms`);
    await refused(task.delete({ id }), StatusCode.deadlineExceeded, message);
    await refused(task.delete({ id }), StatusCode.deadlineExceeded, message);
    disk.lift();
    await until("the release to end", () => (shop.pending().length === 0 ? true : undefined));
    assert.equal((await task.delete({ id })).exitStatus, STATUS);
    await assertDurable("block-limit-after");
  });

  test("of two containers is waited for with the last of them only", { skip }, async () => {
    const { task } = await shop.create("block-first", { rootfs: rootfs() });
    const made = await dirtyContainer(shop, disk, "block-last", options());
    await task.delete({ id: "block-first" });
    assert.ok(made.written() < DATA_BYTES);
    const deletion = watched(made.task.delete({ id: "block-last" }));
    await shop.detached(made.bundle);
    assert.throws(claim, /EBUSY/);
    assert.equal(deletion.isAnswered(), false);
    disk.lift();
    await deletion.answer;
    claim();
    await assertDurable("block-both-after");
  });
});

describe("a rootfs of a type that is not known", () => {
  test("is deleted when the kernel has let it go; meanwhile the shim does everything else", {
    skip: noContainers,
  }, async () => {
    const id = "tmpfs";
    const sign = path.join(shop.dir, "let-go");
    // A shell that takes its time stands for a file system that does.
    const shell = path.join(shop.dir, "slow-shell");
    fs.writeFileSync(
      shell,
      `#!/bin/busybox sh\nread -r word; until [ -e ${sign} ]; do usleep 10000; done\n`,
      {
        mode: 0o755,
      },
    );
    const binary = shimOnHostWith(shop.dir, { "/bin/sh": shell });
    const rootfs = [{ type: "tmpfs", source: "tmpfs", target: "", options: [] }, shop.overlay(id)];
    const made = await shop.create(id, { rootfs, binary });
    const { task, shim } = made;
    const deletion = watched(made.task.delete({ id }));
    const kinds = () =>
      shop
        .pending()
        .map(({ kind }) => kind)
        .sort()
        .join();
    await until("both mounts to be detached", () => (kinds() === "other,overlay" ? true : undefined));
    assert.equal((await task.state({ id })).status, Status.STOPPED);
    await shop.create("tmpfs-beside", { shim });
    await task.start({ id: "tmpfs-beside" });
    await task.kill({ id: "tmpfs-beside", signal: SIGKILL });
    assert.equal((await task.wait({ id: "tmpfs-beside" })).exitStatus, 137);
    await task.delete({ id: "tmpfs-beside" });
    assert.equal(deletion.isAnswered(), false);
    fs.writeFileSync(sign, "");
    await deletion.answer;
    assert.deepEqual(
      shop.pending().filter((one) => one.id === id),
      [],
    );
  });
});
