import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { makeBusyboxRootfs } from "../../../lab/busybox-rootfs.ts";
import { command, must } from "../../../lab/command.ts";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../../lab/slow-disk.ts";
import { until } from "../../../lab/until.ts";
import { StatusCode } from "../../../src/base/status.ts";
import { status } from "../../support/status.ts";
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
  // A disk that stays frozen could not be taken away.
  afterEach(async () => {
    if (disk !== undefined) await command("fsfreeze", ["--unfreeze", disk.mountPoint]);
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
      assert.equal(
        readFileSync(path.join(place.options.stateDir, "containers/c0/layer/output"), "utf8"),
        "7\n8\n8 9\n",
      );
    } finally {
      disk.lift();
      for (const { config } of supervisor.list()) await supervisor.remove(config.id, { force: true });
      await supervisor.close();
    }
  });

  test("removes a container while its release waits for the disk, and what it has written after that, also by the next supervisor", {
    skip,
  }, async () => {
    const layers = () => readdirSync(path.join(imagesDir, "containers"));
    const write = ["sh", "-c", `dd if=/dev/urandom of=/data bs=1M count=${BYTES >> 20}`];
    const first = await place.open({ imagesDir });
    try {
      await first.create(place.config("c", write, { lowerDirs: [layer] }));
      await first.start("c");
      assert.equal((await first.wait("c")).exitStatus, 0);
      disk.throttle(1);
      await first.remove("c", { force: false });
      assert.deepEqual(first.list(), []);
      assert.equal(layers().length, 1);
      // The id is free, and the new container has nothing to do with the old one's layer.
      await first.create(place.config("c", ["test", "!", "-e", "/data"], { lowerDirs: [layer] }));
      await first.start("c");
      assert.equal((await first.wait("c")).exitStatus, 0);
    } finally {
      await first.close();
    }
    const second = await place.open({ imagesDir });
    try {
      assert.equal(layers().length, 2);
      disk.lift();
      await until("the first layer to be gone", () => (layers().length === 1 ? true : undefined));
      await second.remove("c", { force: true });
    } finally {
      await second.close();
    }
    await until("the layer to be gone", () => (layers().length === 0 ? true : undefined));
  });

  test("goes on with what is not on that disk when it hangs, says so of what is, and leaves nothing of it", {
    skip,
  }, async () => {
    const limits = { diskMs: 300, deleteMs: 5_000, backOff: { firstMs: 10, maxMs: 100 } };
    const supervisor = await place.open({ imagesDir, limits });
    await supervisor.create(
      place.config("lives", ["sleep", "60"], { lowerDirs: [bench.rootfs], logged: false }),
    );
    await supervisor.start("lives");
    await must("fsfreeze", ["--freeze", disk.mountPoint]);
    try {
      const ids = ["a", "b", "c", "d", "e", "f"];
      const failed = await Promise.allSettled(ids.map((id) => supervisor.create(place.config(id, ["true"]))));
      for (const { reason } of failed as PromiseRejectedResult[]) {
        assert.ok(status(StatusCode.deadlineExceeded, /making the layer of container \w/)(reason));
      }
      assert.equal(supervisor.find("lives").status.phase, "running");
      const exec = { execId: "x", args: ["true"], env: [], terminal: false, stdio: {} };
      await supervisor.exec("lives", exec);
      assert.equal((await supervisor.wait("lives", "x")).exitStatus, 0);
      assert.equal((await supervisor.stop("lives", { graceMs: 1 })).exitStatus, 137);
      await supervisor.remove("lives", { force: false });
    } finally {
      await must("fsfreeze", ["--unfreeze", disk.mountPoint]);
    }
    await until("all to be gone", () => (supervisor.list().length === 0 ? true : undefined));
    await until("the layers to be gone", () =>
      readdirSync(path.join(imagesDir, "containers")).length === 0 ? true : undefined,
    );
  });

  test("runs processes of other users in a container on that disk while nothing may be written to it", {
    skip,
  }, async () => {
    const limits = { diskMs: 3_000, backOff: { firstMs: 10, maxMs: 100 } };
    const supervisor = await place.open({ imagesDir, limits });
    const config = place.config("c", ["sleep", "60"], { lowerDirs: [layer], logged: false });
    await supervisor.create(config);
    await supervisor.start("c");
    await must("fsfreeze", ["--freeze", disk.mountPoint]);
    try {
      for (const [user, uid] of [["app", 7] as const, ["9:9", 9] as const]) {
        const args = ["sh", "-c", 'exit "$(id -u)"'];
        const exec = { execId: `as-${uid}`, args, env: [], user, terminal: false, stdio: {} };
        await supervisor.exec("c", exec);
        assert.equal((await supervisor.wait("c", exec.execId)).exitStatus, uid);
      }
    } finally {
      await must("fsfreeze", ["--unfreeze", disk.mountPoint]);
    }
    await supervisor.remove("c", { force: true });
    await supervisor.close();
  });
});
