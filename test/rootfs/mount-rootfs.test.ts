import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import PQueue from "p-queue";
import { until } from "../../lab/until.ts";
import { deferred } from "../../src/base/deferred.ts";
import { type Logger, nullLogger } from "../../src/base/logger.ts";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { type Libc, UmountFlag } from "../../src/linux/libc.ts";
import type { MountSpec } from "../../src/rootfs/mount-plan.ts";
import { mountRootfs } from "../../src/rootfs/mount-rootfs.ts";
import { notRoot, requestFor, scratch } from "./scratch.ts";

const libc = loadLibc();
const place = scratch(libc);
const skip = notRoot;
const tmpfs = { type: "tmpfs", source: "tmpfs", target: "", options: [] };

const mount = (rootfs: string, mounts: readonly MountSpec[]) =>
  mountRootfs({
    host: place.host,
    mounts,
    release: requestFor(rootfs),
    limitMs: 60_000,
    queue: new PQueue(),
  });

describe("mountRootfs", () => {
  test("leaves nothing mounted where a later mount fails", { skip }, async () => {
    const [rootfs = ""] = place.make("half");
    const missing = { type: "bind", source: path.join(place.dir, "nothing"), target: "", options: ["bind"] };
    const mounting = mount(rootfs, [tmpfs, tmpfs, missing]);
    await assert.rejects(mounting, (err) => hasCode(err, StatusCode.notFound));
    assert.deepEqual(place.mounts(), []);
  });

  test("leaves what was mounted there before where a mount fails", { skip }, async () => {
    const [rootfs = ""] = place.make("before");
    await libc.mount({ source: "none", target: rootfs, type: "tmpfs", flags: 0, data: "" });
    fs.writeFileSync(path.join(rootfs, "mark"), "");
    const missing = { type: "bind", source: path.join(place.dir, "nothing"), target: "", options: ["bind"] };
    const mounts = [tmpfs, missing];
    const mounting = mount(rootfs, mounts);
    await assert.rejects(mounting, (err) => hasCode(err, StatusCode.notFound));
    assert.deepEqual(place.mounts(), [rootfs]);
    assert.deepEqual(fs.readdirSync(rootfs), ["mark"]);
    libc.umount(rootfs, UmountFlag.detach);
  });

  test("refuses a plan before it mounts anything", { skip }, async () => {
    const [rootfs = ""] = place.make("refused");
    const leftOver = { ...tmpfs, options: ["X-containerd.mkfs.fs=ext4"] };
    const mounting = mount(rootfs, [tmpfs, leftOver]);
    await assert.rejects(mounting, (err) => hasCode(err, StatusCode.unimplemented));
    assert.deepEqual(place.mounts(), []);
  });

  test("gives up at its limit, and releases and tells of what comes through later", { skip }, async () => {
    const [rootfs = ""] = place.make("late");
    const gate = deferred();
    let calls = 0;
    const slow: Libc = Object.create(libc, {
      hasChanged: { value: libc.hasChanged.bind(libc) },
      mount: {
        value: (call: Parameters<Libc["mount"]>[0]) => {
          calls += 1;
          return gate.promise.then(() => libc.mount(call));
        },
      },
      umount: { value: libc.umount.bind(libc) },
    });
    const told: string[] = [];
    const logger: Logger = { ...nullLogger, warn: (message) => void told.push(message) };
    const queue = new PQueue({ concurrency: 1 });
    const options = { mounts: [tmpfs, tmpfs], release: requestFor(rootfs), queue };
    const isLate = (err: Error) => hasCode(err, StatusCode.deadlineExceeded) && err.message.includes(rootfs);
    const mounting = mountRootfs({ ...options, host: { ...place.host, libc: slow, logger }, limitMs: 100 });
    const next = mountRootfs({ ...options, host: { ...place.host, libc: slow, logger }, limitMs: 300 });
    await assert.rejects(mounting, isLate);
    // Its thread still sleeps in the kernel, so the next one's turn does not come before its limit.
    await assert.rejects(next, isLate);
    assert.equal(calls, 1);
    assert.deepEqual(told, []);
    gate.resolve();
    await until("the late mount to be released", () => (told.length > 0 ? true : undefined));
    await queue.onIdle();
    assert.deepEqual(place.mounts(), []);
    assert.equal(calls, 1);
  });
});
