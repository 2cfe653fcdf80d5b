import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { RELEASE_ANNOTATION } from "../../src/base/release-mode.ts";
import { StatusCode } from "../../src/base/status.ts";
import { readMountInfo } from "../../src/linux/mountinfo.ts";
import { containerd } from "../../src/proto/index.ts";
import { volatileMarker } from "../../src/rootfs/volatile.ts";
import { watched } from "../support/watched.ts";
import { holdCopy } from "./copy-holder.ts";
import { DATA_BYTES, type DirtyOptions, dirtyContainer, ended, STATUS } from "./dirty-container.ts";
import { noContainers, refused, Workshop } from "./harness.ts";

const { Status } = containerd.v1.types;
const SIGKILL = 9;
const shop = new Workshop();
const skip = noContainers || (whyNoSlowDisk() ?? false);
const annotations = (mode: string) => ({ [RELEASE_ANNOTATION]: mode });
let disk: SlowDisk;

before(async () => {
  if (skip === false) disk = await makeSlowDisk();
});
afterEach(() => disk?.lift());
after(() => disk?.dispose());

describe("release mode strict", () => {
  const rows: [string, DirtyOptions][] = [
    ["by annotation", { annotations: annotations("strict") }],
    ["of the host", { env: { EBB_RELEASE: "strict" } }],
  ];
  for (const [title, options] of rows) {
    test(`${title} answers Delete when the data is on the disk; all other calls go on`, {
      skip,
    }, async () => {
      const id = `strict-${title.replaceAll(" ", "-")}`;
      const { bundle, task, shim, written, assertDurable } = await dirtyContainer(shop, disk, id, options);
      const deletion = watched(task.delete({ id }));
      await shop.detached(bundle);
      assert.equal((await task.state({ id })).status, Status.STOPPED);
      assert.equal((await task.wait({ id })).exitStatus, STATUS);
      await refused(task.kill({ id, signal: SIGKILL }), StatusCode.notFound, /already finished/);
      const other = `beside-${id}`;
      await shop.create(other, { shim });
      await task.start({ id: other });
      await task.kill({ id: other, signal: SIGKILL });
      assert.equal((await task.wait({ id: other })).exitStatus, 137);
      assert.equal(deletion.isAnswered(), false);
      assert.ok(written() < DATA_BYTES);
      disk.lift();
      assert.equal((await deletion.answer).exitStatus, STATUS);
      assert.ok(written() >= DATA_BYTES, "Delete answered before all was written");
      await assertDurable();
    });
  }

  test("gives up waiting past its limit; the next Delete goes on, and one event tells of it", {
    skip,
  }, async () => {
    const id = "strict-limit";
    const { bundle, task, shim, helpers, written, assertDurable } = await dirtyContainer(shop, disk, id, {
      annotations: annotations("strict"),
      env: { EBB_RELEASE_MS: "100" },
    });
    const message = () =>
      new RegExp(
        `the release of ${bundle.rootfs} by pid ${helpers()[0]} \\(release mode strict\\) took longer than 100 ms`,
      );
    for (let n = 0; n < 2; n += 1) {
      const failure = await task.delete({ id }).catch((err) => err);
      await refused(Promise.reject(failure), StatusCode.deadlineExceeded, message());
    }
    assert.equal((await task.state({ id })).status, Status.STOPPED);
    // A daemon that gives up on the container cannot end the shim over it.
    await task.shutdown({ id });
    assert.deepEqual(helpers().length, 1);
    assert.ok(written() < DATA_BYTES);
    disk.lift();
    await ended("the helper", helpers());
    assert.equal((await task.delete({ id })).exitStatus, STATUS);
    await assertDurable();
    await task.shutdown({ id });
    await shim.connection.closed;
    const deletions = () => shop.history(id).filter((line) => line.startsWith("/tasks/delete"));
    await until("the event", () => (deletions().length > 0 ? true : undefined));
    assert.deepEqual(deletions(), [`/tasks/delete ${STATUS}`]);
  });
});

describe("release mode volatile", () => {
  const workOf = (id: string) => path.join(disk.mountPoint, "work", id);
  const marker = (id: string) => volatileMarker(workOf(id));
  const optionsOf = (rootfs: string) =>
    readMountInfo()
      .find(({ mountPoint }) => mountPoint === rootfs)
      ?.superOptions.split(",") ?? [];
  const isVolatileWord = (word: string) => /^(fsync=)?volatile$/.test(word);

  /** Waits for a release to end, which may wait for the journal, and asserts that it has synced nothing. */
  async function released({ helpers, written }: Awaited<ReturnType<typeof dirtyContainer>>): Promise<void> {
    disk.lift();
    await ended("the helper", helpers());
    assert.ok(written() < DATA_BYTES, "the data was synced");
  }

  /** A container on the snapshot of another one that has ended. */
  async function again(id: string, next: string, options: Parameters<typeof shop.create>[1] = {}) {
    disk.lift();
    const args = ["sha256sum", "-c", "/sum"];
    const made = await shop.create(next, { args, rootfs: [shop.overlay(id, disk.mountPoint)], ...options });
    await made.task.start({ id: next });
    assert.equal((await made.task.wait({ id: next })).exitStatus, 0);
    return made;
  }

  test("syncs nothing, and leaves a snapshot that can be mounted again, in any mode", { skip }, async () => {
    const id = "volatile";
    const made = await dirtyContainer(shop, disk, id, { annotations: annotations("volatile") });
    assert.deepEqual(optionsOf(made.bundle.rootfs).filter(isVolatileWord).length, 1);
    assert.ok(fs.existsSync(marker(id)));
    assert.equal((await made.task.delete({ id })).exitStatus, STATUS);
    assert.deepEqual(shop.traces(made.bundle), []);
    await released(made);
    assert.equal(fs.existsSync(marker(id)), false);
    for (const mode of ["volatile", "deferred"]) {
      const next = `${id}-then-${mode}`;
      const { task } = await again(id, next, { annotations: annotations(mode) });
      await task.delete({ id: next });
    }
  });

  test("of a snapshotter that asks for it itself is the same, and named once", { skip }, async () => {
    for (const mode of ["volatile", "deferred"]) {
      const id = `snapshotter-${mode}`;
      const mount = shop.overlay(id, disk.mountPoint);
      const rootfs = [{ ...mount, options: [...(mount.options ?? []), "volatile"] }];
      const made = await dirtyContainer(shop, disk, id, { annotations: annotations(mode), rootfs });
      assert.equal(optionsOf(made.bundle.rootfs).filter(isVolatileWord).length, 1);
      await made.task.delete({ id });
      await released(made);
      assert.equal(fs.existsSync(marker(id)), false);
      const next = `${id}-after`;
      const { task } = await again(id, next);
      await task.delete({ id: next });
    }
  });

  test("keeps the kernel's marker where a copy of the mount is elsewhere, and the next Create says so", {
    skip,
  }, async () => {
    const id = "volatile-copied";
    const { bundle, task } = await dirtyContainer(shop, disk, id, { annotations: annotations("volatile") });
    disk.lift();
    const holder = await holdCopy(bundle.rootfs);
    try {
      await task.delete({ id });
      assert.ok(shop.log(id).some(({ msg }) => /still held elsewhere, so that its marker stays/.test(msg)));
      await assertNotMountedAgain(id);
    } finally {
      await holder.end();
    }
  });

  test("keeps the marker where the shim died in the middle, and the next Create says so", {
    skip,
  }, async () => {
    const id = "volatile-killed";
    const { bundle, task, helpers } = await dirtyContainer(shop, disk, id, {
      annotations: annotations("volatile"),
      env: { EBB_FAULT_POINT: "release: detached" },
    });
    disk.lift();
    await assert.rejects(task.delete({ id }));
    const { exitStatus, warnings } = await shop.deleteDead(bundle);
    assert.deepEqual([exitStatus, warnings], [STATUS, ""]);
    await ended("the helper", helpers());
    await assertNotMountedAgain(id);
  });

  test("is cleaned up after by the `delete` command where the shim was killed before", { skip }, async () => {
    const id = "volatile-shot";
    const made = await dirtyContainer(shop, disk, id, { annotations: annotations("volatile") });
    const { bundle, task } = made;
    process.kill((await task.connect({ id })).shimPid, "SIGKILL");
    const { exitStatus, warnings } = await shop.deleteDead(bundle);
    assert.deepEqual([exitStatus, warnings], [STATUS, ""]);
    await released(made);
    const next = await again(id, `${id}-again`);
    await next.task.delete({ id: `${id}-again` });
  });

  async function assertNotMountedAgain(id: string): Promise<void> {
    assert.ok(fs.existsSync(marker(id)), "the marker is gone");
    const bundle = await shop.bundle(`${id}-again`, ["true"]);
    const { task } = await shop.launch(bundle);
    const request = { id: bundle.id, bundle: bundle.path, rootfs: [shop.overlay(id, disk.mountPoint)] };
    const message = new RegExp(
      `the work directory ${workOf(id)} was mounted volatile .* remove ${marker(id)} to use it`,
    );
    await refused(task.create(request), StatusCode.failedPrecondition, message);
    assert.deepEqual(shop.traces(bundle), []);
    fs.rmSync(marker(id), { recursive: true });
    await task.create(request);
    await task.delete({ id: bundle.id });
  }
});

describe("a release mode that is none", () => {
  test("is refused by Create, which names the annotation and leaves nothing", {
    skip: noContainers,
  }, async () => {
    const id = "unknown-mode";
    const bundle = await shop.bundle(id, ["true"], annotations("lazy"));
    const { task } = await shop.launch(bundle);
    const request = { id, bundle: bundle.path, rootfs: [shop.overlay(id)] };
    const message = new RegExp(
      `annotation ${RELEASE_ANNOTATION} must be one of deferred, strict, volatile, not "lazy"`,
    );
    await refused(task.create(request), StatusCode.invalidArgument, message);
    assert.deepEqual(shop.traces(bundle), []);
    assert.deepEqual(fs.readdirSync(bundle.rootfs), []);
    await refused(task.state({ id }), StatusCode.notFound, /does not exist/);
    assert.deepEqual(shop.history(id), []);
  });
});
