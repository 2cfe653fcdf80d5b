import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import PQueue from "p-queue";
import { command, must } from "../../lab/command.ts";
import { type FullDisk, makeFullDisk } from "../../lab/full-disk.ts";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { type Logger, nullLogger } from "../../src/base/logger.ts";
import type { ReleaseMode } from "../../src/base/release-mode.ts";
import { StatusCode } from "../../src/base/status.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { readProcessStat } from "../../src/linux/process-stat.ts";
import type { MountSpec } from "../../src/rootfs/mount-plan.ts";
import { PendingReleases } from "../../src/rootfs/pending.ts";
import { ContainerRootfs } from "../../src/shim/rootfs.ts";
import { defaultSettings, type Settings } from "../../src/shim/settings.ts";
import { notRoot, openDirectories, scratch } from "../rootfs/scratch.ts";
import { shimPath } from "../support/shim-process.ts";
import { refused } from "./harness.ts";

const libc = loadLibc();
const place = scratch(libc);
const skip = whyNoSlowDisk() ?? false;
const { runDirectory } = place.host;
const pending = () => new PendingReleases(runDirectory).list();

/** A container's rootfs that is not mounted yet. */
function rootfsOf(
  id: string,
  mode: ReleaseMode,
  { logger = nullLogger, ...changes }: Partial<Settings> & { logger?: Logger } = {},
): ContainerRootfs {
  const [bundle = ""] = place.make(id);
  const settings = { ...defaultSettings, runDirectory, ...changes };
  const host = { libc, settings, logger, mounting: new PQueue() };
  return new ContainerRootfs(host, { namespace: "test", id, bundle, mode });
}

/** A logger, and the warnings that it is given. */
function warnings() {
  const told: { message: string; device: unknown }[] = [];
  const logger: Logger = {
    ...nullLogger,
    warn: (message, fields) => void told.push({ message, device: fields?.device }),
    child: () => logger,
  };
  return { logger, told };
}

/** Whether nobody has the device: one that is mounted anywhere, in the tree or not, is busy. */
function isFree(device: string): boolean {
  try {
    fs.closeSync(fs.openSync(device, fs.constants.O_RDONLY | fs.constants.O_EXCL));
    return true;
  } catch {
    return false;
  }
}

describe("a rootfs that is a block device", () => {
  let disk: SlowDisk;
  before(async () => {
    if (skip !== false) return;
    disk = await makeSlowDisk({ size: 64 << 20 });
    await must("umount", [disk.mountPoint]);
  });
  after(() => disk?.dispose());

  /** It is mounted, has unwritten data, and is detached while the device takes nothing. */
  async function detached(id: string, changes: Partial<Settings> = {}): Promise<ContainerRootfs> {
    const rootfs = rootfsOf(id, "deferred", changes);
    await rootfs.mount([{ type: "ext4", source: disk.device, target: "", options: [] }]);
    fs.writeFileSync(path.join(rootfs.path, "data"), Buffer.alloc(1 << 20, 1));
    disk.throttle(1);
    await rootfs.detach();
    const syncs = () => readProcessStat(pending()[0]?.helper.pid ?? 0)?.state === "D";
    await until("the helper to sync", () => (syncs() ? true : undefined));
    return rootfs;
  }

  test("is off the tree at once, and is settled when the device is free", { skip }, async () => {
    const rootfs = await detached("waits");
    assert.deepEqual(place.mounts(), []);
    let isSettled = false;
    const settled = rootfs.settled().then(() => {
      isSettled = true;
    });
    assert.equal(isFree(disk.device), false);
    assert.equal(isSettled, false);
    disk.lift();
    await settled;
    assert.ok(isFree(disk.device));
  });

  test("is told of past the limit by its device and helper, and is waited for by the next call", {
    skip,
  }, async () => {
    const rootfs = await detached("limit", { releaseMs: 50 });
    const pid = pending()[0]?.helper.pid;
    const message = new RegExp(`pid ${pid} \\(${disk.device} is a block device\\) took longer than 50 ms`);
    await refused(rootfs.settled(), StatusCode.deadlineExceeded, message);
    disk.lift();
    await until("the device to be free", () => (isFree(disk.device) ? true : undefined));
    await rootfs.settled();
  });
});

describe("a rootfs that is a block device and that a process works in", () => {
  test("is settled all the same, and the log names the device that is not free", { skip }, async () => {
    const disk = await makeSlowDisk({ size: 64 << 20 });
    try {
      await must("umount", [disk.mountPoint]);
      const { logger, told } = warnings();
      const mounts = [{ type: "ext4", source: disk.device, target: "", options: [] }];
      const rootfs = rootfsOf("worked-in", "deferred", { logger });
      await rootfs.mount(mounts);
      const worker = spawn("sleep", ["1000"], { cwd: rootfs.path, stdio: "ignore" });
      const exit = new Promise((resolve) => worker.once("exit", resolve));
      await rootfs.detach();
      await rootfs.settled();
      assert.equal(isFree(disk.device), false);
      assert.deepEqual(
        told.map(({ device }) => device),
        [disk.device],
      );
      assert.match(told[0]?.message ?? "", /device is not free: a process that works in a directory of it/);
      worker.kill("SIGKILL");
      await exit;
      told.length = 0;
      await rootfs.mount(mounts);
      await rootfs.detach();
      await rootfs.settled();
      assert.ok(isFree(disk.device));
      assert.deepEqual(told, []);
    } finally {
      await disk.dispose();
    }
  });
});

describe("a rootfs in mode strict", () => {
  test("that is a bind of a directory is settled when what is in it is on the disk", { skip }, async () => {
    const disk = await makeSlowDisk({ size: 64 << 20 });
    try {
      const source = path.join(disk.mountPoint, "a directory");
      fs.mkdirSync(source);
      const rootfs = rootfsOf("strict-bind", "strict");
      await rootfs.mount([{ type: "bind", source, target: "", options: ["rbind", "rw"] }]);
      const bytes = Buffer.alloc(1 << 20, 1);
      fs.writeFileSync(path.join(rootfs.path, "data"), bytes);
      await rootfs.detach();
      await rootfs.settled();
      const copy = await makeSlowDisk({ copyOf: disk });
      const found = fs.readFileSync(path.join(copy.mountPoint, "a directory/data"));
      await copy.dispose();
      assert.ok(found.equals(bytes));
    } finally {
      await disk.dispose();
    }
  });

  describe("on a disk that reports an error", () => {
    let disk: FullDisk;
    before(async () => {
      if (skip === false) disk = await makeFullDisk(place.dir);
    });
    after(() => disk?.dispose());

    function overlayOn(root: string, id: string) {
      const [lower = ""] = place.make(`${id}-lower`);
      const [upper, work] = ["upper", "work"].map((name) => path.join(root, `${id}-${name}`));
      for (const dir of [upper, work]) fs.mkdirSync(dir ?? "");
      const options = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`];
      return { type: "overlay", source: "overlay", target: "", options };
    }

    /** Mounts, and writes what will not reach the disk. */
    async function dirty(id: string, mount: MountSpec) {
      const rootfs = rootfsOf(id, "strict");
      await rootfs.mount([mount]);
      fs.writeFileSync(path.join(rootfs.path, "data"), Buffer.alloc(8 << 20, 1));
      return rootfs;
    }

    const deleted = async (rootfs: ContainerRootfs) => {
      await rootfs.detach();
      await rootfs.settled();
    };

    test("tells so once to each of two, whichever sync is first, and is settled then", { skip }, async () => {
      const both = [
        await dirty("one", overlayOn(disk.mountPoint, "one")),
        await dirty("two", overlayOn(disk.mountPoint, "two")),
      ];
      disk.fill();
      for (const told of await Promise.allSettled(both.map(deleted))) {
        assert.ok(told.status === "rejected");
        assert.match(String(told.reason), /sync of .*-upper failed: .*(EIO|ENOSPC)/);
      }
      disk.drain();
      for (const rootfs of both) await deleted(rootfs);
      assert.equal(openDirectories(disk.mountPoint), 0);
    });

    test("tells so also where somebody else has been told before", { skip }, async () => {
      const rootfs = await dirty("late", overlayOn(disk.mountPoint, "late"));
      disk.fill();
      assert.notEqual((await command("sync", ["-f", disk.mountPoint])).exitCode, 0);
      await assert.rejects(deleted(rootfs), /failed: .*(EIO|ENOSPC)/);
      disk.drain();
      await deleted(rootfs);
    });

    test("tells so, and stays mounted, where the rootfs is that disk", { skip }, async () => {
      await must("umount", [disk.mountPoint]);
      const rootfs = await dirty("block", { type: "ext4", source: disk.device, target: "", options: [] });
      disk.fill();
      await assert.rejects(deleted(rootfs), /failed: .*(EIO|ENOSPC)/);
      assert.notDeepEqual(place.mounts(), []);
      disk.drain();
      await deleted(rootfs);
      assert.ok(isFree(disk.device));
      assert.equal(openDirectories(rootfs.path), 0);
    });
  });

  test("is not settled where the sync cannot be made, and is when the next call can", {
    skip: notRoot,
  }, async () => {
    const [lower = "", upper = "", work = ""] = place.make("strict/lower", "strict/upper", "strict/work");
    const [bundle = ""] = place.make("strict");
    const settings = { ...defaultSettings, runDirectory };
    const self: [string] = ["/nonexistent"];
    const host = { libc, settings, logger: nullLogger, mounting: new PQueue(), self };
    const rootfs = new ContainerRootfs(host, { namespace: "test", id: "strict", bundle, mode: "strict" });
    const options = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`];
    await rootfs.mount([{ type: "overlay", source: "overlay", target: "", options }]);
    await rootfs.detach();
    await assert.rejects(rootfs.settled(), /nonexistent/);
    self[0] = shimPath;
    await rootfs.settled();
  });
});
