import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import PQueue from "p-queue";
import { until } from "../../lab/until.ts";
import { deferred } from "../../src/base/deferred.ts";
import { type Logger, nullLogger } from "../../src/base/logger.ts";
import { hasCode, StatusCode, StatusError } from "../../src/base/status.ts";
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

/** A libc whose mounts wait for a gate in the kernel, as on a disk that hangs; it counts them. */
function gated() {
  const gate = deferred();
  const counted = { calls: 0 };
  const slow: Libc = Object.create(libc, {
    hasChanged: { value: libc.hasChanged.bind(libc) },
    mount: {
      value: (call: Parameters<Libc["mount"]>[0]) => {
        counted.calls += 1;
        return gate.promise.then(() => libc.mount(call));
      },
    },
    umount: { value: libc.umount.bind(libc) },
  });
  const told: string[] = [];
  const logger: Logger = { ...nullLogger, warn: (message) => void told.push(message) };
  const released = () => until("the late mount to be released", () => (told.length > 0 ? true : undefined));
  return { host: { ...place.host, libc: slow, logger }, open: gate.resolve, counted, told, released };
}

const isLate = (err: Error) => hasCode(err, StatusCode.deadlineExceeded);

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

  test("begins no further mount once nobody wants it, and fails when what was begun is released", {
    skip,
  }, async () => {
    const [rootfs = ""] = place.make("unwanted");
    const caller = new AbortController();
    let calls = 0;
    const slow: Libc = Object.create(libc, {
      hasChanged: { value: libc.hasChanged.bind(libc) },
      mount: {
        value: async (call: Parameters<Libc["mount"]>[0]) => {
          calls += 1;
          caller.abort(new StatusError(StatusCode.deadlineExceeded, "nobody waits"));
          await libc.mount(call);
        },
      },
      umount: { value: libc.umount.bind(libc) },
    });
    const mounting = mountRootfs({
      host: { ...place.host, libc: slow },
      mounts: [tmpfs, tmpfs],
      release: requestFor(rootfs),
      limitMs: 60_000,
      queue: new PQueue(),
      signal: caller.signal,
    });
    await assert.rejects(mounting, /nobody waits/);
    assert.equal(calls, 1);
    assert.deepEqual(place.mounts(), []);
  });

  test("gives up at its limit, and releases and tells of what comes through later", { skip }, async () => {
    const [rootfs = "", other = ""] = place.make("late", "other");
    const { host, open, counted, told, released } = gated();
    const queue = new PQueue({ concurrency: 1 });
    const options = { host, mounts: [tmpfs, tmpfs], queue };
    const mounting = mountRootfs({ ...options, release: requestFor(rootfs), limitMs: 100 });
    const next = mountRootfs({ ...options, release: requestFor(other), limitMs: 300 });
    await assert.rejects(mounting, (err: Error) => isLate(err) && err.message.includes(rootfs));
    // Its thread still sleeps in the kernel, so the next one's turn does not come before its limit.
    await assert.rejects(next, (err: Error) => isLate(err) && err.message.includes(other));
    assert.equal(counted.calls, 1);
    assert.deepEqual(told, []);
    open();
    await released();
    await queue.onIdle();
    assert.deepEqual(place.mounts(), []);
    assert.equal(counted.calls, 1);
  });

  test("is refused where a late mount is still to come, and is nobody's to release after it", {
    skip,
  }, async () => {
    const [rootfs = ""] = place.make("again");
    const { host, open, released } = gated();
    const late = { host, mounts: [tmpfs], release: requestFor(rootfs), queue: new PQueue() };
    await assert.rejects(mountRootfs({ ...late, limitMs: 50 }), isLate);
    await assert.rejects(
      mount(rootfs, [tmpfs]),
      (err: Error) => hasCode(err, StatusCode.failedPrecondition) && err.message.includes(rootfs),
    );
    open();
    await released();
    await mount(rootfs, [tmpfs]);
    assert.deepEqual(place.mounts(), [rootfs]);
    await place.release(rootfs);
  });

  test("is not refused because another has succeeded or failed there", { skip }, async () => {
    const [rootfs = ""] = place.make("in-turn");
    const missing = { type: "bind", source: path.join(place.dir, "nothing"), target: "", options: ["bind"] };
    await assert.rejects(mount(rootfs, [missing]), (err) => hasCode(err, StatusCode.notFound));
    await mount(rootfs, [tmpfs]);
    await mount(rootfs, [tmpfs]);
    await place.release(rootfs);
    assert.deepEqual(place.mounts(), []);
  });
});
