import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode, StatusError } from "../../src/base/status.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { type Libc, MountFlag } from "../../src/linux/libc.ts";
import { readProcessStat } from "../../src/linux/process-stat.ts";
import { detachRootfs } from "../../src/rootfs/release.ts";
import { FakeLibc } from "../linux/fake-libc.ts";
import { helperPids, notRoot, openDirectories, requestFor, scratch } from "./scratch.ts";

const libc = loadLibc();
const place = scratch(libc);
const skip = notRoot;
const { release } = place;
const points = (mounts: readonly { mountPoint: string }[]) => mounts.map(({ mountPoint }) => mountPoint);
const tmpfs = (target: string) => libc.mount({ source: "none", target, type: "tmpfs", flags: 0, data: "" });
const gone = (pid: number) => [undefined, "Z"].includes(readProcessStat(pid)?.state);

describe("releasing a rootfs", () => {
  test("takes it out of the tree at once; its helper ends when the kernel has let it go", {
    skip,
  }, async () => {
    const [rootfs = ""] = place.make("plain");
    await tmpfs(rootfs);
    const before = openDirectories(place.dir);
    const released = await release(rootfs);
    assert.deepEqual(place.mounts(), []);
    assert.deepEqual(points(released.mounts), [rootfs]);
    assert.equal(helperPids(released).length, 1);
    assert.equal(openDirectories(place.dir), before);
    assert.ok((await released.ended).ms >= 0);
    assert.ok(helperPids(released).every(gone));
  });

  for (const [title, name] of [
    ["that is not mounted", "unmounted"],
    ["whose directory is not there", "missing/rootfs"],
  ] as const) {
    test(`${title} has ended already`, { skip }, async () => {
      const { mounts, ended } = await release(path.join(place.dir, name));
      assert.deepEqual(mounts, []);
      await ended;
    });
  }

  test("does not touch a neighbour whose name begins alike", { skip }, async () => {
    const [rootfs = "", neighbour = ""] = place.make("near", "near2");
    await tmpfs(rootfs);
    await tmpfs(neighbour);
    await (await release(rootfs)).ended;
    assert.deepEqual(place.mounts(), [neighbour]);
    await (await release(neighbour)).ended;
  });

  test("tells of what has left the tree also where the rest does not", { skip }, async () => {
    const [rootfs = ""] = place.make("refused-later");
    await tmpfs(rootfs);
    await tmpfs(rootfs);
    let calls = 0;
    const refusing: Libc = Object.create(libc, {
      hasChanged: { value: libc.hasChanged.bind(libc) },
      umount: {
        value: (...call: Parameters<Libc["umount"]>) => {
          calls += 1;
          if (calls > 1) throw new StatusError(StatusCode.permissionDenied, "not this one");
          libc.umount(...call);
        },
      },
    });
    const host = { ...place.host, libc: refusing };
    const { release: first, failure } = await detachRootfs(host, requestFor(rootfs));
    assert.match(failure?.message ?? "", /not this one/);
    assert.deepEqual(points(first.mounts), [rootfs]);
    await first.ended;
    assert.ok(helperPids(first).every(gone));
    assert.deepEqual(place.mounts(), [rootfs]);
    await (await release(rootfs)).ended;
    assert.deepEqual(place.mounts(), []);
  });

  test("takes along what is mounted in it, the deepest first", { skip }, async () => {
    const [rootfs = ""] = place.make("nested");
    await tmpfs(rootfs);
    const inner = path.join(rootfs, "a");
    fs.mkdirSync(inner);
    await tmpfs(inner);
    const innermost = path.join(inner, "b");
    fs.mkdirSync(innermost);
    await tmpfs(innermost);
    const { mounts, ended } = await release(rootfs);
    assert.deepEqual(points(mounts), [innermost, inner, rootfs]);
    assert.deepEqual(place.mounts(), []);
    await ended;
  });

  test("takes all that are stacked on one point, on the rootfs and in it", { skip }, async () => {
    const [rootfs = ""] = place.make("stacked");
    for (let n = 0; n < 3; n += 1) await tmpfs(rootfs);
    const inner = path.join(rootfs, "a");
    fs.mkdirSync(inner);
    for (let n = 0; n < 2; n += 1) await tmpfs(inner);
    const { ended } = await release(rootfs);
    assert.deepEqual(place.mounts(), []);
    await ended;
  });

  test("works below a parent that shares its mounts with others", { skip }, async () => {
    const [parent = ""] = place.make("shared");
    await tmpfs(parent);
    await libc.mount({
      source: "",
      target: parent,
      type: "",
      flags: MountFlag.shared | MountFlag.rec,
      data: "",
    });
    const rootfs = path.join(parent, "rootfs");
    const mirror = path.join(place.dir, "mirror");
    for (const dir of [rootfs, mirror]) fs.mkdirSync(dir);
    await libc.mount({ source: parent, target: mirror, type: "", flags: MountFlag.bind, data: "" });
    await tmpfs(rootfs);
    assert.ok(place.mounts().includes(path.join(mirror, "rootfs")));
    await (await release(rootfs)).ended;
    assert.deepEqual(place.mounts().sort(), [mirror, parent].sort());
    for (const left of [mirror, parent]) await (await release(left)).ended;
  });

  test("leaves a file that is open in it usable, and the helper is not held up", { skip }, async () => {
    const [rootfs = ""] = place.make("busy");
    await tmpfs(rootfs);
    const fd = fs.openSync(path.join(rootfs, "file"), "w+");
    await (await release(rootfs)).ended;
    assert.deepEqual(place.mounts(), []);
    assert.equal(fs.writeSync(fd, "still here"), 10);
    fs.closeSync(fd);
  });

  test("of two mounts of one file system takes the one that was asked for", { skip }, async () => {
    const [first = "", second = ""] = place.make("twice/1", "twice/2");
    await tmpfs(first);
    fs.writeFileSync(path.join(first, "x"), "");
    await libc.mount({ source: first, target: second, type: "", flags: MountFlag.bind, data: "" });
    await (await release(first)).ended;
    assert.deepEqual(fs.readdirSync(second), ["x"]);
    await (await release(second)).ended;
  });

  test("leaves all as it was where the kernel refuses, and the helper ends", { skip }, async () => {
    const [rootfs = ""] = place.make("refused");
    await tmpfs(rootfs);
    const before = openDirectories(place.dir);
    const fake = new FakeLibc();
    fake.umount = () => {
      throw new Error("EPERM");
    };
    await assert.rejects(release(rootfs, { libc: fake }), /EPERM/);
    assert.deepEqual(place.mounts(), [rootfs]);
    assert.equal(openDirectories(place.dir), before);
    await (await release(rootfs)).ended;
  });

  test("detaches nothing where no helper can be started, and says so", { skip }, () => {
    const [rootfs = ""] = place.make("helpless");
    const url = (file: string) => JSON.stringify(new URL(`../../src/${file}`, import.meta.url).pathname);
    const script = `
      import { releaseRootfs } from ${url("rootfs/release.ts")};
      import { loadLibc } from ${url("linux/koffi-libc.ts")};
      import { nullLogger } from ${url("base/logger.ts")};
      import { readMountInfo } from ${url("linux/mountinfo.ts")};
      const libc = loadLibc();
      await libc.mount({ source: "none", target: ${JSON.stringify(rootfs)}, type: "tmpfs", flags: 0, data: "" });
      await libc.mount({ source: "/etc/passwd", target: "/bin/sh", type: "", flags: ${MountFlag.bind}, data: "" });
      await releaseRootfs({ libc, logger: nullLogger, runDirectory: ${JSON.stringify(place.host.runDirectory)}, turnMs: 1000 }, { rootfs: ${JSON.stringify(rootfs)}, namespace: "test", id: "helpless", mode: "deferred" }).catch((err) => console.log(err.code, err.message));
      console.log(readMountInfo().filter(({ mountPoint }) => mountPoint === ${JSON.stringify(rootfs)}).length);`;
    const { stdout } = spawnSync("unshare", ["-m", process.execPath, "-e", script]);
    assert.match(String(stdout), /^14 the helper that releases a mount cannot be started.*EACCES.*\n1\n$/);
  });
});
