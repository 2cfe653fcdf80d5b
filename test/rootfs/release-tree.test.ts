import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { MountFlag } from "../../src/linux/libc.ts";
import { readMountInfo } from "../../src/linux/mountinfo.ts";
import { releaseRootfs } from "../../src/rootfs/release.ts";
import { FakeLibc } from "../linux/fake-libc.ts";
import { helperPids, notRoot, openDirectories, requestFor, scratch } from "./scratch.ts";

const libc = loadLibc();
const place = scratch(libc);
const skip = notRoot;

const change = (target: string, flags: number, source = "") =>
  libc.mount({ source, target, type: "", flags, data: "" });
const tmpfs = async (target: string) => {
  fs.mkdirSync(target, { recursive: true });
  await libc.mount({ source: "none", target, type: "tmpfs", flags: 0, data: "" });
  await change(target, MountFlag.private);
  return target;
};
const bind = async (source: string, target: string) => {
  fs.mkdirSync(target, { recursive: true });
  await change(target, MountFlag.bind | MountFlag.rec, source);
};
const release = async (rootfs: string, keep?: ReadonlySet<number>) => {
  const released = await place.release(rootfs, keep === undefined ? {} : { keep });
  await released.ended;
  return released.mounts.map(({ mountPoint }) => mountPoint);
};

describe("the mounts that a release finds", () => {
  test("are those of the real path, whatever links and slashes the given one has", { skip }, async () => {
    const [bundle = ""] = place.make("real/bundle");
    fs.symlinkSync("real", path.join(place.dir, "link"));
    for (const given of [
      `${bundle}/rootfs/`,
      `${place.dir}/link/bundle/rootfs`,
      `${bundle}/../bundle//rootfs`,
    ]) {
      const rootfs = await tmpfs(path.join(bundle, "rootfs"));
      assert.deepEqual(await release(given), [rootfs]);
      assert.deepEqual(place.mounts(), []);
    }
  });

  test("do not include what a link in the rootfs's own place leads to", { skip }, async () => {
    const elsewhere = await tmpfs(path.join(place.dir, "elsewhere"));
    const [bundle = ""] = place.make("linked");
    fs.symlinkSync(elsewhere, path.join(bundle, "rootfs"));
    assert.deepEqual(await release(path.join(bundle, "rootfs")), []);
    assert.deepEqual(place.mounts(), [elsewhere]);
    await release(elsewhere);
  });

  test("may be below a rootfs that is no mount itself", { skip }, async () => {
    const [rootfs = ""] = place.make("plain/rootfs");
    const inner = await tmpfs(path.join(rootfs, "etc"));
    assert.deepEqual(await release(rootfs), [inner]);
  });

  test("may have names with blanks, backslashes and letters of any script", { skip }, async () => {
    const rootfs = await tmpfs(path.join(place.dir, "a b\\040\tü\n字"));
    assert.deepEqual(await release(rootfs), [rootfs]);
    assert.deepEqual(place.mounts(), []);
  });

  test("may lie behind another, which goes first", { skip }, async () => {
    const rootfs = await tmpfs(path.join(place.dir, "behind"));
    const inner = await tmpfs(path.join(rootfs, "a"));
    await tmpfs(rootfs);
    fs.mkdirSync(inner);
    assert.deepEqual(await release(rootfs), [rootfs, inner, rootfs]);
    assert.deepEqual(place.mounts(), []);
  });

  test("are no others to each other: a part of the rootfs that is bound within it goes as well", {
    skip,
  }, async () => {
    const rootfs = await tmpfs(path.join(place.dir, "within"));
    const part = path.join(rootfs, "part");
    fs.mkdirSync(part);
    await bind(part, path.join(rootfs, "bound"));
    const { mounts, mustWait, ended } = await place.release(rootfs);
    assert.deepEqual(
      mounts.map(({ kind }) => kind),
      ["other", "other"],
    );
    assert.match(mustWait, /^tmpfs is of a kind/);
    await ended;
  });

  test("may be stacked within the rootfs, where each of them is held before it goes", { skip }, async () => {
    const rootfs = await tmpfs(path.join(place.dir, "stacked"));
    const inner = await tmpfs(path.join(rootfs, "a"));
    await tmpfs(inner);
    const front = await tmpfs(path.join(rootfs, "b"));
    const behind = await tmpfs(path.join(front, "c"));
    await tmpfs(front);
    assert.deepEqual(await release(rootfs), [inner, front, behind, inner, front, rootfs]);
    assert.deepEqual(place.mounts(), []);
  });

  test("may take each other along, being peers", { skip }, async () => {
    const rootfs = await tmpfs(path.join(place.dir, "peers"));
    await change(rootfs, MountFlag.shared);
    fs.mkdirSync(path.join(rootfs, "x/s"), { recursive: true });
    await bind(path.join(rootfs, "x"), path.join(rootfs, "y"));
    await libc.mount({
      source: "none",
      target: path.join(rootfs, "x/s"),
      type: "tmpfs",
      flags: 0,
      data: "",
    });
    assert.ok(place.mounts().includes(path.join(rootfs, "y/s")));
    await release(rootfs);
    assert.deepEqual(place.mounts(), []);
  });

  test("do not take along what is mounted in the shared source of a recursive bind", { skip }, async () => {
    const source = await tmpfs(path.join(place.dir, "source"));
    await change(source, MountFlag.shared);
    const inner = path.join(source, "data");
    fs.mkdirSync(inner);
    await libc.mount({ source: "none", target: inner, type: "tmpfs", flags: 0, data: "" });
    const rootfs = path.join(place.dir, "bound");
    await bind(source, rootfs);
    assert.deepEqual(await release(rootfs), [path.join(rootfs, "data"), rootfs]);
    assert.deepEqual(place.mounts().sort(), [source, inner].sort());
    await release(source);
  });

  test("do not take along what somebody mounts in the shared source meanwhile", { skip }, async () => {
    const source = await tmpfs(path.join(place.dir, "late-source"));
    const late = path.join(source, "late");
    fs.mkdirSync(late);
    await change(source, MountFlag.shared);
    const rootfs = path.join(place.dir, "late-bound");
    await bind(source, rootfs);
    let mounted = false;
    const host = {
      ...place.host,
      // Asked for when the helper is started: the mounts have been looked at by then.
      get shell() {
        if (!mounted) execFileSync("mount", ["-t", "tmpfs", "none", late]);
        mounted = true;
        return "/bin/sh";
      },
    };
    const { ended } = await releaseRootfs(host, requestFor(rootfs));
    await ended;
    assert.deepEqual(place.mounts().sort(), [source, late].sort());
    await release(source);
  });

  test("take along their copies below a shared parent, what is mounted in them too", { skip }, async () => {
    const parent = await tmpfs(path.join(place.dir, "parent"));
    await change(parent, MountFlag.shared);
    const mirror = path.join(place.dir, "copies");
    await bind(parent, mirror);
    const rootfs = path.join(parent, "rootfs");
    for (const target of [rootfs, path.join(rootfs, "inner")]) {
      fs.mkdirSync(target);
      await libc.mount({ source: "none", target, type: "tmpfs", flags: 0, data: "" });
    }
    assert.equal(place.mounts().length, 6);
    await release(rootfs);
    assert.deepEqual(place.mounts().sort(), [mirror, parent].sort());
    for (const left of [mirror, parent]) await release(left);
  });

  test("stay where they are to be kept, while one upon them goes", { skip }, async () => {
    const rootfs = await tmpfs(path.join(place.dir, "kept"));
    const keep = new Set(readMountInfo().map(({ id }) => id));
    fs.writeFileSync(path.join(rootfs, "mark"), "");
    await tmpfs(rootfs);
    assert.deepEqual(await release(rootfs, keep), [rootfs]);
    assert.deepEqual(fs.readdirSync(rootfs), ["mark"]);
    await release(rootfs);
  });
});

describe("a release", () => {
  test("that gets nowhere ends with an error that names what is left", { skip }, async () => {
    const rootfs = await tmpfs(path.join(place.dir, "stuck"));
    const before = openDirectories(place.dir);
    // A libc whose unmounting has no effect.
    const stuck = place.release(rootfs, { libc: new FakeLibc() });
    await assert.rejects(
      stuck,
      (err: Error) => hasCode(err, StatusCode.failedPrecondition) && err.message.includes(rootfs),
    );
    assert.equal(openDirectories(place.dir), before);
    await release(rootfs);
  });

  test("asked for twice at once ends for both", { skip }, async () => {
    const rootfs = await tmpfs(path.join(place.dir, "twice"));
    await tmpfs(path.join(rootfs, "inner"));
    await Promise.all([release(rootfs), release(rootfs)]);
    assert.deepEqual(place.mounts(), []);
  });

  test("takes the next helper where the first cannot be started", { skip }, async () => {
    const rootfs = await tmpfs(path.join(place.dir, "fallback"));
    const helpers = [["/no/such/program"], [process.execPath, "-e", "process.stdin.resume()"]] as const;
    const released = await place.release(rootfs, { shell: "/no/such/shell", helpers });
    assert.deepEqual(place.mounts(), []);
    assert.equal(helperPids(released).length, 1);
    await released.ended;
  });
});
