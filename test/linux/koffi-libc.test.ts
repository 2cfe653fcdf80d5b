import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { hasCode, StatusCode, type StatusError } from "../../src/base/status.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { MountFlag, UmountFlag } from "../../src/linux/libc.ts";
import { openMountTable, readMountInfo } from "../../src/linux/mountinfo.ts";
import { Pidfd } from "../../src/linux/pidfd.ts";

const libc = loadLibc();
const notRoot = process.getuid?.() === 0 ? false : "needs root";
const fails = (code: StatusCode, message: RegExp) => (err: StatusError) =>
  hasCode(err, code) && message.test(err.message);

describe("mount and umount", () => {
  test("mount a file system with its flags and data, and take it away", { skip: notRoot }, async () => {
    const target = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-libc-"));
    const flags = MountFlag.nosuid | MountFlag.noexec;
    await libc.mount({ source: "none", target, type: "tmpfs", flags, data: "size=64k,mode=700" });
    const mount = readMountInfo().find(({ mountPoint }) => mountPoint === target);
    assert.match(mount?.options ?? "", /nosuid.*noexec/);
    assert.match(mount?.superOptions ?? "", /size=64k,mode=700/);
    libc.umount(target, UmountFlag.detach | UmountFlag.noFollow);
    assert.ok(!readMountInfo().some(({ mountPoint }) => mountPoint === target));
    fs.rmdirSync(target);
  });

  test("tell what went wrong, each call its own errno, also when several run at once", {
    skip: notRoot,
  }, async () => {
    const mount = (source: string, target: string, type: string) =>
      libc.mount({ source, target, type, flags: 0, data: "" });
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-libc-"));
    const rows = Array.from(
      { length: 8 },
      () =>
        [
          [
            mount("none", "/no/such/dir", "tmpfs"),
            StatusCode.notFound,
            /mount none on \/no\/such\/dir: ENOENT/,
          ],
          [mount("none", dir, "nofs"), StatusCode.notFound, /ENODEV/],
          [mount("/etc/passwd", dir, "ext4"), StatusCode.invalidArgument, /ENOTBLK/],
        ] as const,
    ).flat();
    await Promise.all(rows.map(([call, code, message]) => assert.rejects(call, fails(code, message))));
    fs.rmdirSync(dir);
    assert.throws(
      () => libc.umount("/proc/self", UmountFlag.detach),
      fails(StatusCode.invalidArgument, /unmount \/proc\/self: EINVAL/),
    );
  });
});

describe("the limit on open files", () => {
  test("is told and set for this process and for what it starts", () => {
    const given = libc.openFilesLimit();
    const { hard } = given;
    try {
      libc.setOpenFilesLimit({ soft: 100, hard });
      assert.deepEqual(libc.openFilesLimit(), { soft: 100, hard });
      assert.equal(spawnSync("sh", ["-c", "ulimit -Sn"], { encoding: "utf8" }).stdout, "100\n");
      const tooMuch = () => libc.setOpenFilesLimit({ soft: hard + 1, hard });
      assert.throws(tooMuch, fails(StatusCode.invalidArgument, /limit open files to \d+: EINVAL/));
    } finally {
      libc.setOpenFilesLimit(given);
    }
  });
});

describe("the table of mounts", () => {
  test("tells that it has changed, once for each time that it is asked", { skip: notRoot }, async () => {
    const target = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-libc-"));
    const table = openMountTable();
    const asked = () => libc.hasChanged(table.fd);
    // Others mount, too.
    const isQuiet = () => Array.from({ length: 100 }, asked).some((changed) => !changed);
    assert.ok(isQuiet());
    await libc.mount({ source: "none", target, type: "tmpfs", flags: 0, data: "" });
    assert.equal(asked(), true);
    assert.ok(isQuiet());
    libc.umount(target, UmountFlag.detach);
    assert.equal(asked(), true);
    table.close();
    fs.rmdirSync(target);
  });

  test("that is closed counts as changed", () => {
    const table = openMountTable();
    table.close();
    assert.equal(libc.hasChanged(table.fd), true);
  });
});

describe("waitpid", () => {
  test("of what is no child is not found", () => {
    assert.throws(() => libc.waitpid(1), fails(StatusCode.notFound, /wait for pid 1: ECHILD/));
  });

  test("of a child that runs is undefined", () => {
    const child = spawn("sleep", ["1000"]);
    assert.equal(libc.waitpid(child.pid ?? 0), undefined);
    child.kill("SIGKILL");
  });
});

describe("an eventfd", () => {
  test("counts, does not block, and is closed on exec", () => {
    const fd = libc.eventfd();
    const value = Buffer.alloc(8);
    assert.throws(() => fs.readSync(fd, value), /EAGAIN/);
    value.writeBigUInt64LE(3n);
    fs.writeSync(fd, value);
    fs.writeSync(fd, value);
    fs.readSync(fd, value);
    assert.equal(value.readBigUInt64LE(), 6n);
    assert.equal(spawnSync("sh", ["-c", "ls -l /proc/self/fd"]).stdout.includes("eventfd"), false);
    fs.closeSync(fd);
  });
});

describe("a pidfd", () => {
  test("carries signals to its process, until that has ended", async () => {
    const child = spawn("sleep", ["1000"]);
    const exited = new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal)));
    const pidfd = Pidfd.open(libc, child.pid ?? 0);
    assert.throws(() => pidfd.signal(500), fails(StatusCode.invalidArgument, /send signal 500: EINVAL/));
    pidfd.signal(15);
    assert.equal(await exited, "SIGTERM");
    assert.throws(() => pidfd.signal(15), fails(StatusCode.notFound, /ESRCH/));
    pidfd.close();
    pidfd.close();
  });

  test("of a pid that nobody has is not found, naming it", () => {
    assert.throws(() => Pidfd.open(libc, 4_194_303), fails(StatusCode.notFound, /pid 4194303: ESRCH/));
  });

  test("is closed on exec and leaves no descriptor once closed", () => {
    const isOurs = new RegExp(`^Pid:\\s+${process.pid}$`, "m");
    const pidfds = () => fs.readdirSync("/proc/self/fdinfo").filter((fd) => isOurs.test(infoOf(fd))).length;
    const before = pidfds();
    const pidfd = Pidfd.open(libc, process.pid);
    assert.equal(pidfds(), before + 1);
    assert.equal(spawnSync("sh", ["-c", "ls -l /proc/self/fd"]).stdout.includes("pidfd"), false);
    pidfd.close();
    assert.equal(pidfds(), before);
  });
});

/** What the kernel tells of a descriptor; nothing where it has been closed meanwhile. */
function infoOf(fd: string): string {
  try {
    return fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
  } catch {
    return "";
  }
}
