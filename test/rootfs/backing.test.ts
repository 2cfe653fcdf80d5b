import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { must } from "../../lab/command.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { MountFlag } from "../../src/linux/libc.ts";
import { readMountInfo } from "../../src/linux/mountinfo.ts";
import {
  backingOf,
  deviceName,
  keysOf,
  lowersOf,
  overlayOptions,
  upperOf,
  workOf,
} from "../../src/rootfs/backing.ts";
import { escapeName } from "../../src/rootfs/lower-dirs.ts";
import { notRoot, scratch } from "./scratch.ts";

const libc = loadLibc();
const place = scratch(libc);
const skip = notRoot;
/** Between options, in the text that mount(2) takes; a comma of a name has a backslash before it. */
const SEPARATOR = /,(?=lowerdir|upperdir|workdir)/;
const fileKey = (file: string) => {
  const { dev, ino } = fs.statSync(file);
  return `file ${dev}:${ino}`;
};

async function backingAt(point: string) {
  const all = readMountInfo();
  const mount = all.findLast(({ mountPoint }) => mountPoint === point);
  assert.ok(mount !== undefined, `nothing is mounted on ${point}`);
  return backingOf(mount, all);
}

function overlay(name: string, writable = true) {
  const [rootfs = "", ...dirs] = place.make(
    ...["rootfs", "upper", "work", "l1", "l2"].map((part) => `${name}/${part}`),
  );
  const [upper = "", work = "", first = "", second = ""] = dirs;
  const [top, ...names] = [upper, work, first, second].map(escapeName);
  const data = `lowerdir=${names[1]}:${names[2]}${writable ? `,upperdir=${top},workdir=${names[0]}` : ""}`;
  return { rootfs, upper, call: { source: "overlay", target: rootfs, type: "overlay", flags: 0, data } };
}

describe("the directories in the options of an overlay", () => {
  for (const [options, upper, work, lowers] of [
    [["lowerdir=/a:/b", "upperdir=/u", "workdir=/w"], "/u", "/w", ["/a", "/b"]],
    [["lowerdir=/a\\:b:/c", "upperdir=/u\\:x\\\\", "workdir=/w\\,y"], "/u:x\\", "/w,y", ["/a:b", "/c"]],
    [["lowerdir=/a", "index=off"], undefined, undefined, ["/a"]],
    [["upperdir=/first", "upperdir=/last"], "/last", undefined, []],
    [[], undefined, undefined, []],
  ] as const) {
    test(`are found in ${options.join(",") || "none"}`, () => {
      assert.deepEqual([upperOf(options), workOf(options), lowersOf(options)], [upper, work, lowers]);
    });
  }
});

describe("what is below a mount", () => {
  test("is the upper directory of an overlay, under whatever name", { skip }, async () => {
    const { rootfs, upper, call } = overlay("written");
    await libc.mount(call);
    const other = path.join(place.dir, "other-name");
    fs.symlinkSync(upper, other);
    const { dev } = fs.statSync(upper, { bigint: true });
    const expected = { kind: "overlay", source: upper, key: fileKey(upper), device: deviceName(dev) };
    assert.deepEqual(await backingAt(rootfs), expected);
    const again = { type: "overlay", source: "overlay", target: "", options: [`upperdir=${other}`] };
    assert.deepEqual(await keysOf([again]), [expected.key]);
  });

  for (const name of ["a b", "a\\b", "a,b", "a:b", "a\tb\nc", "a\\040,\\,:b", "ü字"]) {
    test(`is found where the names of directories are like ${JSON.stringify(name)}`, { skip }, async () => {
      const { rootfs, upper, call } = overlay(name, true);
      await libc.mount(call);
      const { source, key } = await backingAt(rootfs);
      assert.deepEqual([source, key], [upper, fileKey(upper)]);
      const mount = readMountInfo().findLast(({ mountPoint }) => mountPoint === rootfs);
      assert.equal(mount && workOf(overlayOptions(mount)), path.join(path.dirname(upper), "work"));
      assert.deepEqual(await keysOf([{ ...call, options: call.data.split(SEPARATOR) }]), [key]);
    });
  }

  test("has a key of its own where the kernel's numbers of files use all 64 bits", { skip }, async (t) => {
    const [, bottom = "", top = ""] = place.make(
      "numbers",
      "numbers/bottom",
      "numbers/top",
      "numbers/rootfs",
    );
    for (const target of [bottom, top])
      await libc.mount({ source: "none", target, type: "tmpfs", flags: 0, data: "" });
    place.make("numbers/bottom/a", "numbers/bottom/b", "numbers/top/upper", "numbers/top/work");
    const target = path.join(place.dir, "numbers/rootfs");
    const data = `lowerdir=${bottom},upperdir=${top}/upper,workdir=${top}/work,xino=on`;
    await libc.mount({ source: "overlay", target, type: "overlay", flags: 0, data });
    const specs = ["a", "b"].map((name) => ({
      ...{ type: "overlay", source: "overlay", target: "" },
      options: [`upperdir=${target}/${name}`],
    }));
    if (fs.statSync(`${target}/a`).ino <= Number.MAX_SAFE_INTEGER)
      return t.skip("a kernel with small numbers");
    assert.equal(new Set(await keysOf(specs)).size, 2);
  });

  test("is told by its path where the upper directory has been removed", { skip }, async () => {
    const { rootfs, upper, call } = overlay("removed");
    await libc.mount(call);
    fs.rmSync(upper, { recursive: true });
    assert.deepEqual(await backingAt(rootfs), {
      kind: "overlay",
      source: upper,
      key: `path ${upper}`,
      device: "",
    });
  });

  test("is nothing to wait for in an overlay that cannot be written to", { skip }, async () => {
    const { rootfs, call } = overlay("read-only", false);
    await libc.mount(call);
    const { kind, key } = await backingAt(rootfs);
    assert.deepEqual([kind, key], ["shared", undefined]);
  });

  test("is shared for a bind of something that is mounted elsewhere as well", { skip }, async () => {
    const [source = "", target = ""] = place.make("bound/source", "bound/rootfs");
    await libc.mount({ source, target, type: "", flags: MountFlag.bind, data: "" });
    const { kind, key } = await backingAt(target);
    assert.deepEqual([kind, key], ["shared", undefined]);
    const spec = { type: "bind", source, target: "", options: ["rbind", "rw"] };
    assert.deepEqual(await keysOf([spec]), []);
  });

  test("is of a kind that is not known for a file system without a device", { skip }, async () => {
    const [target = ""] = place.make("memory");
    await libc.mount({ source: "tmpfs", target, type: "tmpfs", flags: 0, data: "" });
    const { kind, source, key } = await backingAt(target);
    assert.deepEqual([kind, source, key], ["other", "tmpfs", undefined]);
    assert.deepEqual(await keysOf([{ type: "tmpfs", source: "tmpfs", target: "", options: [] }]), []);
  });
});

describe("a loop device as rootfs", () => {
  let device = "";
  let image = "";
  let target = "";
  before(async () => {
    if (skip !== false) return;
    image = path.join(place.dir, "image");
    [target = ""] = place.make("block");
    fs.writeFileSync(image, "");
    fs.truncateSync(image, 16 << 20);
    await must("mkfs.ext4", ["-q", "-F", image]);
    device = (await must("losetup", ["--find", "--show", image])).trim();
    await libc.mount({ source: device, target, type: "ext4", flags: 0, data: "" });
  });
  after(async () => {
    if (device === "") return;
    await must("umount", [target]);
    await must("losetup", ["--detach", device]);
  });

  test("is a block device, told by its file, under whatever device that is looped to", { skip }, async () => {
    const { kind, source, key } = await backingAt(target);
    assert.deepEqual([kind, source, key], ["block", device, fileKey(image)]);
    assert.deepEqual(await keysOf([{ type: "ext4", source: device, target: "", options: [] }]), [key]);
    assert.deepEqual(await keysOf([{ type: "ext4", source: image, target: "", options: ["loop"] }]), [key]);
  });
});

describe("the name of a device number", () => {
  for (const [dev, name] of [
    [65024, "254:0"],
    [2049, "8:1"],
    [66309, "259:5"],
    [1048832, "1:256"],
  ] as const) {
    test(`${dev} is ${name}`, () => assert.equal(deviceName(BigInt(dev)), name));
  }
});
