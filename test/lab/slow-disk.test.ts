import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { must } from "../../lab/command.ts";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { findCgroupMounts, findWriteLimit } from "../../lab/write-limit.ts";

const skip = whyNoSlowDisk() ?? false;
const MEBIBYTE = 1 << 20;

async function attached(device: string): Promise<boolean> {
  return (await must("losetup", ["--list", "--noheadings", "--output", "NAME"])).split("\n").includes(device);
}

function mounted(mountPoint: string): boolean {
  return readFileSync("/proc/self/mountinfo", "utf8").includes(` ${mountPoint} `);
}

async function smallDisk(t: TestContext): Promise<SlowDisk> {
  const disk = await makeSlowDisk({ size: 64 * MEBIBYTE });
  t.after(() => disk.dispose());
  return disk;
}

async function write(disk: SlowDisk, mebibytes: number): Promise<void> {
  const file = path.join(disk.mountPoint, "data");
  const args = ["if=/dev/zero", `of=${file}`, `bs=${MEBIBYTE}`, `count=${mebibytes}`];
  assert.equal((await disk.run("dd", args)).exitCode, 0);
}

interface Sync {
  readonly exited: Promise<void>;
  readonly ended: () => boolean;
  /** Resolves once it sleeps in the kernel, where no signal reaches it. */
  readonly waiting: () => Promise<true>;
}

/** Starts sync(1) on the disk. */
function startSync(disk: SlowDisk): Sync {
  const child = spawn("sync", ["--file-system", disk.mountPoint]);
  let ended = false;
  const exited = new Promise<void>((resolve) =>
    child.once("exit", () => {
      ended = true;
      resolve();
    }),
  );
  const sleeps = () => (/\) D /.test(readFileSync(`/proc/${child.pid}/stat`, "utf8")) ? true : undefined);
  return { exited, ended: () => ended, waiting: () => until("sync to wait for the disk", sleeps) };
}

describe("the slow disk", () => {
  test("takes no data in while it is throttled, and all of it once that is lifted", { skip }, async (t) => {
    const disk = await smallDisk(t);
    disk.throttle(1);
    const before = disk.writtenBytes();
    await write(disk, 8);
    const sync = startSync(disk);
    await sync.waiting();
    assert.equal(sync.ended(), false);
    assert.ok(disk.writtenBytes() - before < 8 * MEBIBYTE);
    disk.lift();
    await sync.exited;
    assert.ok(disk.writtenBytes() - before >= 8 * MEBIBYTE);
  });

  test("can be removed while it is being synced, and twice", { skip }, async (t) => {
    const disk = await smallDisk(t);
    disk.throttle(1);
    await write(disk, 4);
    const sync = startSync(disk);
    await sync.waiting();
    await Promise.all([disk.dispose(), disk.dispose()]);
    await sync.exited;
    await disk.dispose();
    assert.equal(mounted(disk.mountPoint), false);
    await until("the loop device to be free", async () => ((await attached(disk.device)) ? undefined : true));
  });

  test("leaves a directory that it was given, and nothing in it", { skip }, async () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), "ebb-test-disk-"));
    try {
      const disk = await makeSlowDisk({ size: 64 * MEBIBYTE, directory });
      assert.equal(disk.mountPoint, path.join(directory, "mount"));
      await disk.dispose();
      assert.deepEqual(readdirSync(directory), []);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test("is slow on its own: another one beside it takes its data meanwhile", { skip }, async (t) => {
    const [slow, fast] = await Promise.all([smallDisk(t), smallDisk(t)]);
    assert.notEqual(slow.device, fast.device);
    slow.throttle(1);
    fast.throttle(64 * MEBIBYTE);
    const before = slow.writtenBytes();
    await write(slow, 4);
    await write(fast, 4);
    const waiting = startSync(slow);
    await waiting.waiting();
    await startSync(fast).exited;
    assert.equal(waiting.ended(), false);
    await fast.dispose();
    assert.equal(waiting.ended(), false, "the limit of one went with the other");
    assert.ok(slow.writtenBytes() - before < 4 * MEBIBYTE);
    slow.lift();
    await waiting.exited;
  });

  test("copied has what it has taken, and not what waits for it", { skip }, async (t) => {
    const disk = await smallDisk(t);
    await write(disk, 2);
    await startSync(disk).exited;
    disk.throttle(1);
    writeFileSync(path.join(disk.mountPoint, "late"), "x".repeat(MEBIBYTE));
    const copy = await makeSlowDisk({ copyOf: disk });
    t.after(() => copy.dispose());
    assert.equal(readFileSync(path.join(copy.mountPoint, "data")).length, 2 * MEBIBYTE);
    assert.equal(existsSync(path.join(copy.mountPoint, "late")), false);
  });

  test("lifts what was never throttled without a word", { skip }, async (t) => {
    const disk = await smallDisk(t);
    disk.lift();
    disk.lift();
  });
});

const V1 = "30 23 0:26 / /sys/fs/cgroup/blkio rw,relatime shared:9 - cgroup cgroup rw,blkio";
const V1_INSIDE = "30 23 0:26 /docker/abc /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio";
const V2 = "31 23 0:27 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate";

describe("where writes are limited", () => {
  const cases: [string, string, ReturnType<typeof findCgroupMounts>][] = [
    ["cgroup v1 alone", V1, { blkio: "/sys/fs/cgroup/blkio", unified: undefined }],
    ["cgroup v2 alone", V2, { blkio: undefined, unified: "/sys/fs/cgroup" }],
    ["both", `${V1}\n${V2}\n`, { blkio: "/sys/fs/cgroup/blkio", unified: "/sys/fs/cgroup" }],
    ["a group that is not the root", V1_INSIDE, { blkio: undefined, unified: undefined }],
    ["nothing", "", { blkio: undefined, unified: undefined }],
  ];
  for (const [title, mountinfo, expected] of cases) {
    test(`found in mountinfo: ${title}`, () => assert.deepEqual(findCgroupMounts(mountinfo), expected));
  }

  test("a unified tree with its controllers gets a group with a rule in it", () => {
    const root = mkdtempSync(path.join(os.tmpdir(), "ebb-test-limit-"));
    try {
      const mountinfo = path.join(root, "mountinfo");
      writeFileSync(mountinfo, `31 23 0:27 / ${root} rw - cgroup2 cgroup2 rw\n`);
      assert.ok("reason" in findWriteLimit("slow", mountinfo));
      writeFileSync(path.join(root, "cgroup.controllers"), "cpu io memory\n");
      const limit = findWriteLimit("slow", mountinfo);
      assert.ok(!("reason" in limit));
      assert.equal(limit.cgroup, "slow");
      assert.equal(limit.isSet("7:3"), false);
      limit.clear("7:3");
      limit.set("7:3", 4096);
      assert.equal(readFileSync(path.join(root, "slow/io.max"), "utf8"), "7:3 wbps=4096");
      assert.equal(limit.isSet("7:3"), true);
      limit.clear("7:3");
      assert.equal(readFileSync(path.join(root, "slow/io.max"), "utf8"), "7:3 wbps=max");
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });

  test("a machine without any says what is missing", () => {
    const root = mkdtempSync(path.join(os.tmpdir(), "ebb-test-limit-"));
    try {
      const mountinfo = path.join(root, "mountinfo");
      mkdirSync(path.join(root, "empty"));
      writeFileSync(mountinfo, `30 23 0:26 / ${root}/empty rw - cgroup cgroup rw,blkio\n`);
      const limit = findWriteLimit("slow", mountinfo);
      assert.ok("reason" in limit);
      assert.match(limit.reason, /blkio.*cgroup v2/);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
