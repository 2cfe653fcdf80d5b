import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { errnoError } from "../../src/linux/errno.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { type Libc, MountFlag } from "../../src/linux/libc.ts";
import { readMountInfo } from "../../src/linux/mountinfo.ts";
import { MAX_DATA_BYTES } from "../../src/rootfs/mount-call.ts";
import { executeMounts } from "../../src/rootfs/mount-execute.ts";
import { planMounts } from "../../src/rootfs/mount-plan.ts";
import { fitsContext, mountOverlayByContext } from "../../src/rootfs/overlay-context.ts";
import { FakeLibc } from "../linux/fake-libc.ts";
import { notRoot, openDirectories, scratch } from "./scratch.ts";

const libc = loadLibc();
const place = scratch(libc);
const skip = notRoot;

/** This kernel without the calls that take one option at a time. */
const oldKernel: Libc = Object.create(libc, {
  hasChanged: { value: libc.hasChanged.bind(libc) },
  mount: { value: libc.mount.bind(libc) },
  fsopen: { value: async () => Promise.reject(errnoError("open a context for overlay", 38)) },
});

/** How many descriptors of any kind are open, the one for looking included. */
const openFiles = () => fs.readdirSync("/proc/self/fd").length;

/** That many layers with long paths, each with a file of its own and one that all have. */
function makeLayers(name: string, count: number) {
  const layers = place.make(...Array.from({ length: count }, (_, n) => `${name}/${"layer-".repeat(10)}${n}`));
  for (const [n, layer] of layers.entries()) {
    fs.writeFileSync(path.join(layer, `file-${n}`), String(n));
    fs.writeFileSync(path.join(layer, "same"), String(n));
  }
  const [upper = "", work = "", rootfs = ""] = place.make(`${name}/u`, `${name}/w`, `${name}/rootfs`);
  const options = [`lowerdir=${layers.join(":")}`, `upperdir=${upper}`, `workdir=${work}`];
  assert.ok(options.join(",").length > MAX_DATA_BYTES);
  const plan = planMounts([{ type: "overlay", source: "overlay", target: "", options }]);
  return { layers, upper, rootfs, options, plan };
}

const infoOf = (rootfs: string) => readMountInfo().find(({ mountPoint }) => mountPoint === rootfs);

describe("more layers than a page of options names", () => {
  for (const [title, kernel, count] of [
    ["are mounted one option at a time, up to hundreds of them", libc, 400],
    ["are named by descriptors where the kernel cannot do that", oldKernel, 150],
  ] as const) {
    test(title, { skip }, async () => {
      const { rootfs, upper, plan } = makeLayers(`many-${count}`, count);
      const before = openFiles();
      await executeMounts(kernel, plan, { rootfs });
      assert.equal(openFiles(), before);
      assert.equal(fs.readdirSync(rootfs).length, count + 1);
      assert.equal(fs.readFileSync(path.join(rootfs, "same"), "utf8"), "0");
      assert.equal(fs.readFileSync(path.join(rootfs, `file-${count - 1}`), "utf8"), String(count - 1));
      fs.writeFileSync(path.join(rootfs, "new"), "");
      assert.deepEqual(fs.readdirSync(upper), ["new"]);
    });
  }

  test("keep their names in mountinfo", { skip }, async () => {
    const { rootfs, layers, plan } = makeLayers("named", 60);
    await executeMounts(libc, plan, { rootfs });
    const info = infoOf(rootfs);
    assert.equal(info?.source, "overlay");
    assert.ok(info?.superOptions.includes(`lowerdir+=${layers[59]}`), info?.superOptions);
  });

  test("refuse what no form has room for, telling both", { skip }, async () => {
    const { rootfs, plan } = makeLayers("too-many", 230);
    await assert.rejects(
      executeMounts(oldKernel, plan, { rootfs }),
      (err: Error) =>
        hasCode(err, StatusCode.invalidArgument) &&
        /too many layers \(before: .*ENOSYS\)/.test(err.message) &&
        err.message.includes(rootfs),
    );
    assert.equal(openDirectories(place.dir), 0);
  });

  test("name the one that is missing", { skip }, async () => {
    const { rootfs, layers, plan } = makeLayers("missing", 60);
    fs.rmSync(layers[30] ?? "", { recursive: true });
    const before = openFiles();
    for (const kernel of [libc, oldKernel]) {
      await assert.rejects(
        executeMounts(kernel, plan, { rootfs }),
        (err: Error) => hasCode(err, StatusCode.notFound) && err.message.includes(String(layers[30])),
      );
    }
    assert.equal(openFiles(), before);
    assert.equal(infoOf(rootfs), undefined);
  });
});

describe("an overlay mounted one option at a time", () => {
  test("has the flags that were asked for", { skip }, async () => {
    const [lower = "", other = "", rootfs = ""] = place.make("flags/lower", "flags/other", "flags/rootfs");
    const flags =
      MountFlag.rdonly | MountFlag.nosuid | MountFlag.nodev | MountFlag.noexec | MountFlag.noatime;
    const options = [`lowerdir=${lower}:${other}`, "index=off", "userxattr"];
    await mountOverlayByContext(libc, { source: "mine", target: rootfs, type: "overlay", flags, options });
    const info = infoOf(rootfs);
    assert.equal(info?.source, "mine");
    assert.equal(info?.options, "ro,nosuid,nodev,noexec,noatime");
    assert.match(info?.superOptions ?? "", /^ro,.*userxattr/);
  });

  test("tells what the kernel says of an option it does not know", { skip }, async () => {
    const [lower = "", rootfs = ""] = place.make("unknown/lower", "unknown/rootfs");
    const options = [`lowerdir=${lower}`, "no-such-option=1"];
    const call = { source: "overlay", target: rootfs, type: "overlay", flags: 0, options };
    await assert.rejects(
      mountOverlayByContext(libc, call),
      (err: Error) =>
        hasCode(err, StatusCode.invalidArgument) &&
        err.message.startsWith(`mount overlay on ${rootfs}: set no-such-option=1: EINVAL: e overlay: `),
    );
  });

  test("leaves no descriptor where it cannot be put in its place", { skip }, async () => {
    const [lower = "", other = ""] = place.make("homeless/lower", "homeless/other");
    const before = openFiles();
    const target = path.join(place.dir, "no/such/place");
    const options = [`lowerdir=${lower}:${other}`];
    const call = { source: "overlay", target, type: "overlay", flags: 0, options };
    await assert.rejects(mountOverlayByContext(libc, call), (err: Error) =>
      hasCode(err, StatusCode.notFound),
    );
    assert.equal(openFiles(), before);
  });
});

describe("what can be mounted one option at a time", () => {
  const call = { source: "overlay", target: "/r", type: "overlay", flags: 0, options: ["lowerdir=/a:/b"] };
  const rows: [string, Partial<typeof call>, boolean][] = [
    ["an overlay", {}, true],
    [
      "one with flags that a mount has",
      { flags: MountFlag.rdonly | MountFlag.nosuid | MountFlag.relatime },
      true,
    ],
    ["one with a flag that only mount(2) has", { flags: MountFlag.synchronous }, false],
    ["a bind", { flags: MountFlag.bind }, false],
    ["another file system", { type: "ext4" }, false],
    ["a layer whose name has 255 bytes", { options: [`lowerdir=/a:/${"b".repeat(254)}`] }, true],
    ["a layer whose name has 256 bytes", { options: [`lowerdir=/a:/${"b".repeat(255)}`] }, false],
    [
      "an upper directory whose name has 256 bytes",
      { options: ["lowerdir=/a", `upperdir=/${"ü".repeat(128)}`] },
      false,
    ],
    ["a name with a colon, written as overlay wants it", { options: ["lowerdir=/a\\:b:/c"] }, false],
  ];
  for (const [title, change, expected] of rows) {
    test(`${expected ? "is" : "is not"} ${title}`, () =>
      assert.equal(fitsContext({ ...call, ...change }), expected));
  }

  test("is mounted by one call of mount(2) all the same while its options fit", async () => {
    const fake = new FakeLibc();
    await executeMounts(fake, planMounts([{ ...call, target: "" }]), { rootfs: "/r" });
    assert.deepEqual(fake.calls, ["mount overlay /r"]);
  });
});
