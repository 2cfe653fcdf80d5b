import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import PQueue from "p-queue";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { readMountInfo } from "../../src/linux/mountinfo.ts";
import { withLoopDevice } from "../../src/rootfs/loop-device.ts";
import { executeMounts } from "../../src/rootfs/mount-execute.ts";
import { planMounts } from "../../src/rootfs/mount-plan.ts";
import { mountRootfs } from "../../src/rootfs/mount-rootfs.ts";
import { FakeLibc } from "../linux/fake-libc.ts";
import { notRoot, openDirectories, requestFor, scratch } from "./scratch.ts";

const libc = loadLibc();
const place = scratch(libc);
const skip = notRoot || (fs.existsSync("/dev/loop-control") ? false : "has no loop devices");

/** A file with an ext4 file system in it, which has one file, `mark`. */
function image(name: string): string {
  const [dir = "", content = ""] = place.make(name, `${name}/content`);
  fs.writeFileSync(path.join(content, "mark"), name);
  const file = path.join(dir, "image");
  fs.writeFileSync(file, "");
  fs.truncateSync(file, 8 << 20);
  execFileSync("mkfs.ext4", ["-q", "-d", content, file]);
  return file;
}

const loopMount = (file: string, ...options: string[]) => ({
  type: "ext4",
  source: file,
  target: "",
  options: ["loop", ...options],
});
const mount = (file: string, rootfs: string, ...options: string[]) =>
  executeMounts(libc, planMounts([loopMount(file, ...options)]), { rootfs });

/** The loop devices that show a file. */
function devicesOf(file: string): string[] {
  return fs.readdirSync("/sys/block").filter((name) => backingFile(name) === file);
}

function backingFile(device: string): string | undefined {
  try {
    return fs.readFileSync(`/sys/block/${device}/loop/backing_file`, "utf8").trim();
  } catch {
    return undefined;
  }
}

const openFiles = () => openDirectories("/");

describe("a file that is mounted as a disk", () => {
  test("is read and written, and its device is free after the release", { skip }, async () => {
    const file = image("rw");
    const [rootfs = ""] = place.make("rw/rootfs");
    await mount(file, rootfs);
    assert.equal(fs.readFileSync(path.join(rootfs, "mark"), "utf8"), "rw");
    fs.writeFileSync(path.join(rootfs, "new"), "written");
    const release = await place.release(rootfs);
    assert.match(release.mustWait, /block device/);
    await release.ended;
    assert.deepEqual(devicesOf(file), []);
    await mount(file, rootfs);
    assert.equal(fs.readFileSync(path.join(rootfs, "new"), "utf8"), "written");
  });

  test("has a device that writes to nothing where it is read-only", { skip }, async () => {
    const file = image("ro");
    const [rootfs = ""] = place.make("ro/rootfs");
    fs.chmodSync(file, 0o400);
    await mount(file, rootfs, "ro");
    const [device = ""] = devicesOf(file);
    assert.equal(fs.readFileSync(`/sys/block/${device}/ro`, "utf8").trim(), "1");
    assert.throws(() => fs.writeFileSync(path.join(rootfs, "new"), ""), /EROFS/);
  });

  test("gives its device back where the mount fails, or a later one", { skip }, async () => {
    const file = image("fails");
    const [rootfs = ""] = place.make("fails/rootfs");
    const before = openFiles();
    await assert.rejects(mount(file, rootfs, "no-such-option"), /EINVAL/);
    assert.deepEqual(devicesOf(file), []);
    const missing = { type: "bind", source: "/no/such", target: "", options: ["bind"] };
    const mounting = mountRootfs({
      host: place.host,
      mounts: [loopMount(file), missing],
      release: requestFor(rootfs),
      limitMs: 60_000,
      queue: new PQueue(),
    });
    await assert.rejects(mounting, (err) => hasCode(err, StatusCode.notFound));
    await untilFree(file);
    assert.ok(!place.mounts().includes(rootfs));
    assert.equal(openFiles(), before);
  });

  test("is named where it is missing, or is none", { skip }, async () => {
    const [rootfs = "", dir = ""] = place.make("none/rootfs", "none/dir");
    await assert.rejects(mount("/no/such/image", rootfs), /open \/no\/such\/image: ENOENT/);
    await assert.rejects(mount(dir, rootfs), new RegExp(`open ${dir}: EISDIR`));
  });

  test("is mounted by as many as want to at the same time, each with a device of its own", {
    skip,
  }, async () => {
    const files = Array.from({ length: 8 }, (_, n) => image(`many-${n}`));
    const roots = files.map((_, n) => place.make(`many-${n}/rootfs`)[0] ?? "");
    await Promise.all(files.map((file, n) => mount(file, roots[n] ?? "")));
    const marks = roots.map((rootfs) => fs.readFileSync(path.join(rootfs, "mark"), "utf8"));
    assert.deepEqual(
      marks,
      files.map((_, n) => `many-${n}`),
    );
    const sources = roots.map((rootfs) => readMountInfo().find((one) => one.mountPoint === rootfs)?.source);
    assert.equal(new Set(sources).size, files.length);
  });
});

/** The release that follows a failed mount is waited for by nobody. */
async function untilFree(file: string): Promise<void> {
  while (devicesOf(file).length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe("attaching a file", () => {
  const attach = (fake: FakeLibc, signal?: AbortSignal) =>
    withLoopDevice(fake, "/dev/null", { readOnly: true, directIo: false, signal }, async (device) => device);

  test("tries the next free device where somebody else was quicker", { skip }, async () => {
    const fake = new FakeLibc();
    fake.loops.taken = 3;
    const before = openFiles();
    assert.match(await attach(fake), /^\/dev\/loop\d+$/);
    assert.equal(fake.calls.filter((call) => call.startsWith("attach")).length, 4);
    assert.equal(openFiles(), before);
  });

  test("gives up where all of them are taken, and once its signal has aborted", { skip }, async () => {
    const fake = new FakeLibc();
    fake.loops.taken = Number.POSITIVE_INFINITY;
    const before = openFiles();
    await assert.rejects(attach(fake), (err) => hasCode(err, StatusCode.unavailable));
    await assert.rejects(attach(fake, AbortSignal.abort(new Error("enough"))), /enough/);
    assert.equal(openFiles(), before);
  });
});
