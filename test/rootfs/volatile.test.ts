import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { before, describe, test } from "node:test";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { errnoError } from "../../src/linux/errno.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { UmountFlag } from "../../src/linux/libc.ts";
import { readMountInfo } from "../../src/linux/mountinfo.ts";
import { executeMounts } from "../../src/rootfs/mount-execute.ts";
import { type MountSpec, planMounts } from "../../src/rootfs/mount-plan.ts";
import {
  hasMarker,
  isVolatile,
  supportsVolatile,
  volatileMarker,
  volatileMarkerFound,
  volatileUnsupported,
  withVolatile,
} from "../../src/rootfs/volatile.ts";
import { explainVolatile } from "../../src/rootfs/volatile-mount.ts";
import { FakeLibc } from "../linux/fake-libc.ts";
import { notRoot, scratch } from "./scratch.ts";

const libc = loadLibc();
const place = scratch(libc);

const DIRS = ["lowerdir=/l", "upperdir=/u", "workdir=/w"];
const overlay = (...options: string[]): MountSpec => ({
  type: "overlay",
  source: "overlay",
  target: "",
  options,
});

describe("the option volatile", () => {
  const rows: [string, MountSpec, readonly string[]][] = [
    ["is added to an overlay", overlay(...DIRS), [...DIRS, "volatile"]],
    ["is not added a second time", overlay("volatile", ...DIRS), ["volatile", ...DIRS]],
    [
      "is not added where the newer form is there",
      overlay(...DIRS, "fsync=volatile"),
      [...DIRS, "fsync=volatile"],
    ],
    [
      "takes the place of another fsync",
      overlay("fsync=auto", "volatile", ...DIRS, "fsync=strict"),
      [...DIRS, "volatile"],
    ],
    ["is not added without an upper directory", overlay("lowerdir=/l:/m"), ["lowerdir=/l:/m"]],
    ["is not added to an overlay that is read-only", overlay("ro", ...DIRS), ["ro", ...DIRS]],
    ["is added where rw overrules ro", overlay("ro", "rw", ...DIRS), ["ro", "rw", ...DIRS, "volatile"]],
    ["is not added to a bind", { ...overlay("rbind", "rw"), type: "bind" }, ["rbind", "rw"]],
    ["is not added to another file system", { ...overlay(...DIRS), type: "ext4" }, DIRS],
  ];
  for (const [title, mount, options] of rows) {
    test(title, () => assert.deepEqual(withVolatile([mount]), [{ ...mount, options }]));
  }

  test("is added to each of several mounts by itself, and to none twice however often it is asked for", () => {
    const mounts = [overlay(...DIRS), overlay("lowerdir=/l:/m"), overlay(...DIRS, "volatile")];
    const once = withVolatile(mounts);
    assert.deepEqual(
      once.map(({ options }) => options.filter((option) => option === "volatile").length),
      [1, 0, 1],
    );
    assert.deepEqual(withVolatile(once), once);
  });
});

describe("options", () => {
  const rows: [readonly string[] | string, boolean][] = [
    [[], false],
    [["volatile"], true],
    [["fsync=volatile"], true],
    [["fsync=auto"], false],
    [["volatile", "fsync=strict"], false],
    [["fsync=strict", "volatile"], true],
    [["lowerdir=/volatile", "upperdir=volatile"], false],
    ["rw,lowerdir=/l,upperdir=/u,workdir=/w,uuid=on,fsync=volatile", true],
    ["rw,lowerdir=/l,upperdir=/u,workdir=/w,volatile", true],
    ["rw,lowerdir=/l\\054volatile,upperdir=/u,workdir=/w", false],
  ];
  for (const [options, expected] of rows) {
    test(`${JSON.stringify(options)} ${expected ? "are" : "are not"} volatile`, () =>
      assert.equal(isVolatile(options), expected));
  }
});

describe("the kernel", () => {
  const [probes = ""] = place.make("probes");
  const skip = notRoot;
  before(async () => {
    if (skip === false)
      await libc.mount({ source: "none", target: probes, type: "tmpfs", flags: 0, data: "" });
  });

  /** An overlay's directories, and what mounts it with some options. */
  function makeOverlay(name: string) {
    const parts = ["lower", "upper", "work", "rootfs"].map((part) => `${name}/${part}`);
    const [lower = "", upper = "", work = "", rootfs = ""] = place.make(...parts);
    const spec = (...options: string[]) =>
      overlay(`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`, ...options);
    const mount = (mounts: MountSpec[]) => executeMounts(libc, planMounts(mounts), { rootfs });
    const unmount = () => libc.umount(rootfs, UmountFlag.detach);
    return { work, rootfs, spec, mount, unmount };
  }

  test("knows the option, and the probe leaves nothing behind", { skip }, async () => {
    const mounts = place.mounts();
    assert.equal(await supportsVolatile(libc, probes), true);
    assert.deepEqual(fs.readdirSync(probes), []);
    assert.deepEqual(place.mounts(), mounts);
  });

  test("shows it in mountinfo", { skip }, async () => {
    const { rootfs, spec, mount, unmount } = makeOverlay("shown");
    await mount(withVolatile([spec()]));
    const options = readMountInfo().find(({ mountPoint }) => mountPoint === rootfs)?.superOptions ?? "";
    assert.ok(isVolatile(options), options);
    unmount();
  });

  test("makes its marker for a mount that then fails, too; it is removed, and the error is the mount's", {
    skip,
  }, async () => {
    const { work, rootfs, spec, mount, unmount } = makeOverlay("failed");
    const [inner = ""] = place.make("failed/upper/inner");
    const wrong = [
      { ...spec("volatile"), options: [`lowerdir=${inner}`, ...spec("volatile").options.slice(1)] },
    ];
    const attempt = (mounts: MountSpec[]) =>
      explainVolatile(libc, mounts, { runDirectory: place.dir, mount: () => mount(mounts) });
    const data = wrong.flatMap(({ options }) => options).join(",");
    const call = { source: "overlay", target: rootfs, type: "overlay", flags: 0, data };
    await assert.rejects(libc.mount(call), /ELOOP/);
    assert.equal(await hasMarker(work), true, "the kernel has made none, so this shows nothing");
    fs.rmSync(volatileMarker(work), { recursive: true });
    await assert.rejects(attempt(wrong), /ELOOP/);
    assert.equal(await hasMarker(work), false);
    await attempt([spec("volatile")]);
    unmount();
    // One that was there before says that a release did not end cleanly: it stays, whatever else is wrong.
    await assert.rejects(attempt([spec("volatile")]), /was mounted volatile/);
    assert.equal(await hasMarker(work), true);
  });

  test("keeps the marker of a mount that went well where a later one fails, for the release to remove", {
    skip,
  }, async () => {
    const { work, spec, unmount } = makeOverlay("first-of-two");
    const [target = ""] = place.make("first-of-two/rootfs");
    const missing = { type: "bind", source: path.join(place.dir, "nothing"), target: "", options: ["bind"] };
    const mounts = [spec("volatile"), missing];
    const mount = () => executeMounts(libc, planMounts(mounts), { rootfs: target });
    await assert.rejects(explainVolatile(libc, mounts, { runDirectory: place.dir, mount }), /nothing/);
    assert.equal(await hasMarker(work), true);
    unmount();
  });

  test("leaves its marker at the unmount, and refuses any mount until it is removed", { skip }, async () => {
    const { work, spec, mount, unmount } = makeOverlay("marked");
    assert.equal(await hasMarker(work), false);
    await mount([spec("volatile")]);
    assert.equal(await hasMarker(work), true);
    unmount();
    assert.deepEqual(fs.readdirSync(volatileMarker(work)), ["dirty"]);
    for (const options of [[], ["volatile"]]) {
      await assert.rejects(mount([spec(...options)]), (err) => hasCode(err, StatusCode.invalidArgument));
    }
    fs.rmSync(volatileMarker(work), { recursive: true });
    for (const options of [[], ["volatile"]]) {
      await mount([spec(...options)]);
      unmount();
    }
    assert.equal(await hasMarker(work), true);
  });

  test("leaves no marker of a mount that is not volatile", { skip }, async () => {
    const { work, spec, mount, unmount } = makeOverlay("plain");
    await mount([spec()]);
    unmount();
    assert.equal(await hasMarker(work), false);
  });

  test("takes the newer form for the same where it has it, and the last word of several", {
    skip,
  }, async (t) => {
    const { work, spec, mount, unmount } = makeOverlay("forms");
    const mounted = await mount([spec("fsync=volatile")]).then(
      () => true,
      () => false,
    );
    if (!mounted) return t.skip("an older kernel");
    assert.equal(await hasMarker(work), true);
    unmount();
    fs.rmSync(volatileMarker(work), { recursive: true });
    await mount([spec("volatile", "fsync=strict")]);
    assert.equal(await hasMarker(work), false);
    unmount();
    await mount(withVolatile([spec("fsync=strict")]));
    assert.equal(await hasMarker(work), true);
    unmount();
  });
});

describe("a kernel without the option", () => {
  const [dir = ""] = place.make("old");

  test("is told from one that has it, by a mount without it", async () => {
    const fake = new FakeLibc();
    fake.onMount = async ({ data }) => {
      if (data.endsWith(",volatile")) throw errnoError("mount overlay", 22);
    };
    assert.equal(await supportsVolatile(fake, dir), false);
    assert.deepEqual(
      fake.calls.map((call) => call.split(" ")[0]),
      ["mount", "mount", "umount"],
    );
    assert.deepEqual(fs.readdirSync(dir), []);
  });

  for (const [title, errno, code] of [
    ["mounts no overlay at all", 22, StatusCode.invalidArgument],
    ["does not let us mount", 1, StatusCode.permissionDenied],
    ["has no memory left", 12, StatusCode.resourceExhausted],
  ] as const) {
    test(`is told from one that ${title}`, async () => {
      const fake = new FakeLibc();
      fake.onMount = async () => {
        throw errnoError("mount overlay", errno);
      };
      await assert.rejects(supportsVolatile(fake, dir), (err) => hasCode(err, code));
      assert.deepEqual(fs.readdirSync(dir), []);
    });
  }
});

describe("a mount that was refused", () => {
  test("is explained by the kernel's release, the option and what to do", () => {
    const err = volatileUnsupported("5.4.0");
    assert.ok(hasCode(err, StatusCode.failedPrecondition));
    assert.match(err.message, /^linux 5\.4\.0 does not know .* volatile, .* 5\.10: .*deferred or strict/);
    assert.ok(volatileUnsupported().message.includes(os.release()));
  });

  test("is explained by the marker, and what removing it means", () => {
    const err = volatileMarkerFound("/snapshots/7/work");
    assert.ok(hasCode(err, StatusCode.failedPrecondition));
    assert.match(err.message, /did not end cleanly, so what is in it may be incomplete/);
    assert.ok(err.message.includes(path.join("/snapshots/7/work", "work/incompat/volatile")));
  });

  test("is not explained by a marker in a work directory that is none or not there", async () => {
    const [dir = ""] = place.make("none");
    fs.writeFileSync(path.join(dir, "work"), "");
    assert.equal(await hasMarker(dir), false);
    assert.equal(await hasMarker(path.join(dir, "missing")), false);
  });
});
