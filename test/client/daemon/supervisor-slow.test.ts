import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { makeBusyboxRootfs } from "../../../lab/busybox-rootfs.ts";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../../lab/slow-disk.ts";
import { until } from "../../../lab/until.ts";
import { installedShims, makePlace, noContainers } from "../support.ts";
import { supervisorPlace } from "./supervisor-place.ts";

const skip = noContainers || (whyNoSlowDisk() ?? false);
const IDS = Array.from({ length: 20 }, (_, n) => `c${n}`);
const BYTES = 8 << 20;
const own = installedShims().find(({ bootstrap }) => bootstrap);

describe("a supervisor whose images and containers are on a disk that takes a byte a second", () => {
  const bench = makePlace("ebb-test-slow");
  const place = supervisorPlace(bench, own?.runtime ?? "");
  let disk: SlowDisk;
  let imagesDir = "";
  let layer = "";
  before(async () => {
    if (skip !== false) return;
    disk = await makeSlowDisk();
    imagesDir = path.join(disk.mountPoint, "images");
    layer = path.join(disk.mountPoint, "layer");
    mkdirSync(imagesDir);
    await makeBusyboxRootfs(layer);
    writeFileSync(path.join(layer, "etc/passwd"), "app:x:7:8::/:/bin/sh\n");
    writeFileSync(path.join(layer, "etc/group"), "app:x:8:\nmore:x:9:app,other\n");
  });
  after(async () => {
    disk?.lift();
    await disk?.dispose();
  });

  test("makes 20 containers of a user of the image while the disk writes nothing of its unwritten data", {
    skip,
  }, async (t) => {
    const supervisor = await place.open({ imagesDir });
    const make = async (id: string) => {
      const config = place.config(id, ["sh", "-c", "id -u; id -g; id -G"], {
        user: "app",
        lowerDirs: [layer],
      });
      await supervisor.create(config);
    };
    try {
      writeFileSync(path.join(disk.mountPoint, "dirty"), randomBytes(BYTES));
      disk.throttle(1);
      const written = disk.writtenBytes();
      const started = performance.now();
      for (const id of IDS) await make(id);
      const ms = performance.now() - started;
      const during = disk.writtenBytes() - written;
      t.diagnostic(`20 containers: ${ms.toFixed(0)} ms, ${during} bytes written`);
      assert.ok(during < BYTES, `${during} bytes`);
      await supervisor.start("c0");
      assert.equal((await supervisor.wait("c0")).exitStatus, 0);
      assert.equal(readFileSync(path.join(imagesDir, "containers/c0/output"), "utf8"), "7\n8\n8 9\n");
    } finally {
      disk.lift();
      for (const { config } of supervisor.list()) await supervisor.remove(config.id, { force: true });
      await supervisor.close();
    }
  });

  test("removes a container while its release waits for the disk, and what it has written after that, also by the next supervisor", {
    skip,
  }, async () => {
    const removed = () => readdirSync(path.join(imagesDir, "removed"));
    const write = ["sh", "-c", `dd if=/dev/urandom of=/data bs=1M count=${BYTES >> 20}`];
    const first = await place.open({ imagesDir });
    try {
      await first.create(place.config("c", write, { lowerDirs: [layer] }));
      await first.start("c");
      assert.equal((await first.wait("c")).exitStatus, 0);
      disk.throttle(1);
      await first.remove("c", { force: false });
      assert.deepEqual(first.list(), []);
      assert.equal(removed().length, 1);
      // The id is free, and the new container has nothing to do with the old one's layer.
      await first.create(place.config("c", ["test", "!", "-e", "/data"], { lowerDirs: [layer] }));
      await first.start("c");
      assert.equal((await first.wait("c")).exitStatus, 0);
    } finally {
      await first.close();
    }
    const second = await place.open({ imagesDir });
    try {
      assert.equal(removed().length, 1);
      disk.lift();
      await until("the layer to be gone", () => (removed().length === 0 ? true : undefined));
      await second.remove("c", { force: true });
    } finally {
      await second.close();
    }
    await until("the layer to be gone", () => (removed().length === 0 ? true : undefined));
  });
});
