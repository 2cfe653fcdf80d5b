import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { deferred } from "../../src/base/deferred.ts";
import { type Logger, nullLogger } from "../../src/base/logger.ts";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { errnoError } from "../../src/linux/errno.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { type Libc, type MountCall, MountFlag, UmountFlag } from "../../src/linux/libc.ts";
import { findMountHolders } from "../../src/linux/mount-holders.ts";
import { parseMountInfo, readMountInfo } from "../../src/linux/mountinfo.ts";
import { escapeName } from "../../src/rootfs/lower-dirs.ts";
import { executeMounts } from "../../src/rootfs/mount-execute.ts";
import { type MountSpec, planMounts } from "../../src/rootfs/mount-plan.ts";
import { withView } from "../../src/rootfs/view.ts";
import { readInView } from "../../src/rootfs/view-file.ts";
import { FakeLibc } from "../linux/fake-libc.ts";
import { notRoot, openDirectories, scratch } from "./scratch.ts";

const libc = loadLibc();
const place = scratch(libc);
const skip = notRoot;
const [scratchDir = ""] = place.make("scratch");

/** A view with what every test has alike. */
const look = <T>(mounts: readonly MountSpec[], use: (dir: string, signal: AbortSignal) => Promise<T>) =>
  withView(libc, { mounts, scratchDir, limitMs: 60_000, logger: nullLogger }, use);

/** How many files and directories are open; pipes to programs that tests run close when they like. */
const openFiles = () => openDirectories("/");

/** What there must be as much of afterwards. */
const count = () => ({ files: openFiles(), mounts: place.mounts(), left: fs.readdirSync(scratchDir) });

/** An overlay of these lower directories, each with a file of its name and one that all have. */
function makeOverlay(name: string, lowers: readonly string[], ...options: string[]) {
  const layers = place.make(...lowers.map((lower) => `${name}/${lower}`));
  for (const [n, layer] of layers.entries()) {
    fs.writeFileSync(path.join(layer, `file-${n}`), "");
    fs.writeFileSync(path.join(layer, "same"), String(n));
  }
  const [upper = "", work = "", rootfs = ""] = place.make(`${name}/u:p\\`, `${name}/work`, `${name}/rootfs`);
  const dirs = [
    `lowerdir=${layers.map(escapeName).join(":")}`,
    `upperdir=${escapeName(upper)}`,
    `workdir=${escapeName(work)}`,
  ];
  const spec = { type: "overlay", source: "overlay", target: "", options: [...dirs, ...options] };
  const mount = () => executeMounts(libc, planMounts([spec]), { rootfs });
  return { spec, upper, work, rootfs, mount };
}

before(async () => {
  if (skip === false)
    await libc.mount({ source: "none", target: scratchDir, type: "tmpfs", flags: 0, data: "" });
});

describe("a view of an overlay", () => {
  test("shows what the upper directory has, above the layers, and lets nobody write", { skip }, async () => {
    const { spec, upper, work } = makeOverlay("shows", ["a", "b"]);
    fs.writeFileSync(path.join(upper, "same"), "upper");
    const before = count();
    await look([spec], async (dir) => {
      assert.deepEqual(fs.readdirSync(dir).sort(), ["file-0", "file-1", "same"]);
      assert.equal((await readInView(dir, "/same", 100)).toString(), "upper");
      assert.throws(() => fs.writeFileSync(`${dir}/new`, ""), { code: "EROFS" });
    });
    assert.deepEqual(count(), before);
    assert.deepEqual(fs.readdirSync(work), []);
  });

  test("does not show what the upper directory hides", { skip }, async () => {
    const { spec, rootfs, mount } = makeOverlay("hides", ["a"]);
    await mount();
    fs.rmSync(path.join(rootfs, "same"));
    await look([spec], async (dir) => assert.deepEqual(fs.readdirSync(dir), ["file-0"]));
    libc.umount(rootfs, UmountFlag.detach);
  });

  for (const options of [
    [],
    ["volatile"],
    ["index=on"],
    ["redirect_dir=on"],
    ["metacopy=on"],
    ["userxattr"],
  ]) {
    const how = options.join() || "with no other options";
    test(`can be had while it is mounted and written to, ${how}`, { skip }, async () => {
      const { spec, rootfs, mount } = makeOverlay(`used-${options.join()}`, ["a", "b"], ...options);
      await mount();
      fs.writeFileSync(path.join(rootfs, "fresh"), "not on any disk yet");
      const before = count();
      await look([spec], async (dir) => {
        assert.equal((await readInView(dir, "fresh", 100)).toString(), "not on any disk yet");
        fs.writeFileSync(path.join(rootfs, "later"), "");
      });
      assert.deepEqual(count(), before);
      libc.umount(rootfs, UmountFlag.detach);
    });
  }

  test("can be had though a marker of a volatile mount keeps it from being mounted", { skip }, async () => {
    const { spec, rootfs, mount } = makeOverlay("marked", ["a"], "volatile");
    await mount();
    libc.umount(rootfs, UmountFlag.detach);
    await assert.rejects(mount());
    assert.equal(await look([spec], async (dir) => fs.readdirSync(dir).length), 2);
  });

  for (const [title, lowers] of [
    ["200 layers", Array.from({ length: 200 }, (_, n) => `${"layer-".repeat(10)}${n}`)],
    [
      "200 layers with a colon and a backslash in their names",
      Array.from({ length: 200 }, (_, n) => `l:${n}\\`),
    ],
    ["one layer that is named so", [":\\:"]],
  ] as const) {
    test(`can be had of ${title}`, { skip }, async () => {
      const { spec } = makeOverlay(title.replaceAll(" ", "-"), lowers);
      const before = count();
      await look([spec], async (dir) => {
        assert.equal(fs.readdirSync(dir).length, lowers.length + 1);
        assert.equal((await readInView(dir, "same", 100)).toString(), "0");
      });
      assert.deepEqual(count(), before);
    });
  }
});

describe("a view of another rootfs", () => {
  test("shows a bind's directory without what is mounted below it, and leaves that writable", {
    skip,
  }, async () => {
    const [source = "", below = ""] = place.make("bind", "bind/below");
    fs.writeFileSync(path.join(source, "file"), "text");
    await libc.mount({ source: "none", target: below, type: "tmpfs", flags: 0, data: "" });
    fs.writeFileSync(path.join(below, "hidden"), "");
    const before = count();
    const spec = { type: "bind", source, target: "", options: ["rbind", "rw"] };
    await look([spec], async (dir) => {
      assert.equal((await readInView(dir, "file", 100)).toString(), "text");
      assert.deepEqual(fs.readdirSync(`${dir}/below`), []);
      assert.throws(() => fs.writeFileSync(`${dir}/new`, ""), { code: "EROFS" });
    });
    fs.writeFileSync(path.join(source, "new"), "");
    assert.deepEqual(count(), before);
  });

  test("lets go of a block device", { skip: whyNoSlowDisk() ?? false }, async () => {
    const image = path.join(place.dir, "image");
    fs.writeFileSync(image, "");
    fs.truncateSync(image, 8 << 20);
    execFileSync("mkfs.ext4", ["-q", "-F", image]);
    const device = execFileSync("losetup", ["--find", "--show", image], { encoding: "utf8" }).trim();
    try {
      const before = count();
      const spec = { type: "ext4", source: device, target: "", options: [] };
      await look([spec], async (dir) => assert.deepEqual(fs.readdirSync(dir), ["lost+found"]));
      assert.deepEqual(count(), before);
      // Refused by the kernel (O_EXCL) while anything has the device mounted.
      fs.closeSync(fs.openSync(device, fs.constants.O_RDONLY | fs.constants.O_EXCL));
    } finally {
      execFileSync("losetup", ["--detach", device]);
    }
  });
});

describe("a view", () => {
  test("is in no mount namespace's tree while it is looked at", { skip }, async () => {
    const { spec } = makeOverlay("nowhere", ["a"]);
    const before = readMountInfo();
    await look([spec], async (dir) => {
      assert.deepEqual(readMountInfo(), before);
      assert.deepEqual(fs.readdirSync(scratchDir), []);
      const { dev } = fs.statSync(dir);
      // As makedev(3) packs a number whose major is 0, like that of each overlay.
      const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
      assert.deepEqual((await findMountHolders(`0:${minor}`)).holders, []);
    });
  });

  test("is copied to no other mount namespace while it is mounted, though its place is shared", {
    skip,
  }, async () => {
    const { spec } = makeOverlay("copied", ["a"]);
    const [shared = ""] = place.make("shared");
    await libc.mount({ source: "none", target: shared, type: "tmpfs", flags: 0, data: "" });
    await libc.mount({ source: "", target: shared, type: "", flags: MountFlag.shared, data: "" });
    const other = spawn("unshare", ["--mount", "--propagation=slave", "sh", "-c", "echo; exec cat"]);
    await new Promise((resolve) => other.stdout.once("data", resolve));
    const overlays = (pid: number) => {
      const mounts = parseMountInfo(fs.readFileSync(`/proc/${pid}/mountinfo`, "utf8"));
      return mounts.filter(({ type, mountPoint }) => type === "overlay" && mountPoint.startsWith(shared))
        .length;
    };
    const seen: number[][] = [];
    const watched: Libc = Object.create(libc, {
      hasChanged: { value: libc.hasChanged.bind(libc) },
      mount: { value: libc.mount.bind(libc) },
      umount: {
        value: (target: string, flags: number) => {
          seen.push([process.pid, other.pid ?? 0].map(overlays));
          libc.umount(target, flags);
        },
      },
    });
    const options = { mounts: [spec], scratchDir: shared, limitMs: 60_000, logger: nullLogger };
    await withView(watched, options, async () => {});
    assert.deepEqual(seen[0], [1, 0]);
    assert.deepEqual(fs.readdirSync(shared), []);
    other.kill("SIGKILL");
    await new Promise((resolve) => other.once("exit", resolve));
  });

  test("hands on what the look gave, or its error, and leaves nothing behind", { skip }, async () => {
    const { spec } = makeOverlay("throws", ["a"]);
    const before = count();
    assert.equal(await look([spec], async () => 7), 7);
    await assert.rejects(
      look([spec], async () => {
        throw new Error("seen enough");
      }),
      /seen enough/,
    );
    assert.deepEqual(count(), before);
  });

  test("of what cannot be mounted leaves nothing behind, nor what was mounted before it", {
    skip,
  }, async () => {
    const { spec } = makeOverlay("missing", ["a"]);
    const missing = { ...spec, options: ["lowerdir=/no/such/layer:/nor/this"] };
    const before = count();
    for (const mounts of [[missing], [spec, missing]]) {
      await assert.rejects(
        look(mounts, async () => {}),
        (err: Error) =>
          hasCode(err, StatusCode.notFound) && err.message.includes("/no/such/layer does not exist"),
      );
      assert.deepEqual(count(), before);
    }
  });

  test("of several mounts on one another shows the last", { skip }, async () => {
    const [lower, upper] = [makeOverlay("one", ["a"]), makeOverlay("other", ["a", "b"])];
    const before = count();
    const seen = await look([lower.spec, upper.spec], async (dir) => fs.readdirSync(dir).length);
    assert.equal(seen, 3);
    assert.deepEqual(count(), before);
  });

  test("is refused where there is nowhere to make it", async () => {
    const options = { mounts: [makeOverlay("homeless", ["a"]).spec], limitMs: 60_000, logger: nullLogger };
    const looking = withView(libc, { ...options, scratchDir: "/no/such/place" }, async () => {});
    await assert.rejects(looking, (err) => hasCode(err, StatusCode.notFound));
  });

  test("that may not be mounted leaves nothing behind", async () => {
    const [dir = ""] = place.make("refused");
    const fake = new FakeLibc();
    fake.onMount = async () => {
      throw errnoError("mount", 1);
    };
    const options = { mounts: [makeOverlay("not-allowed", ["a"]).spec], scratchDir: dir, limitMs: 60_000 };
    const before = openFiles();
    await assert.rejects(
      withView(fake, { ...options, logger: nullLogger }, async () => {}),
      (err) => hasCode(err, StatusCode.permissionDenied),
    );
    assert.deepEqual(fs.readdirSync(dir), []);
    assert.equal(openFiles(), before);
  });

  test("ends at its limit though the look does not, which is told so and keeps what it looks at", {
    skip,
  }, async () => {
    const { spec } = makeOverlay("endless", ["a"]);
    const before = count();
    const gate = deferred();
    const told = deferred<unknown>();
    const seen = deferred<string[]>();
    const options = { mounts: [spec], scratchDir, limitMs: 200, logger: nullLogger };
    const looking = withView(libc, options, async (dir, signal) => {
      signal.addEventListener("abort", () => told.resolve(signal.reason));
      await gate.promise;
      seen.resolve(fs.readdirSync(dir));
    });
    await assert.rejects(
      looking,
      (err: Error) => hasCode(err, StatusCode.deadlineExceeded) && err.message.includes("/endless/u"),
    );
    assert.ok(hasCode(await told.promise, StatusCode.deadlineExceeded));
    assert.deepEqual(fs.readdirSync(scratchDir), []);
    gate.resolve();
    assert.deepEqual((await seen.promise).sort(), ["file-0", "same"]);
    await until("the view to be let go", () => (openFiles() === before.files ? true : undefined));
    assert.deepEqual(count(), before);
  });

  test("that comes through after its limit is let go then, and the log says so", { skip }, async () => {
    const { spec } = makeOverlay("late", ["a"]);
    const before = count();
    const gate = deferred();
    const slow: Libc = Object.create(libc, {
      hasChanged: { value: libc.hasChanged.bind(libc) },
      mount: { value: (call: MountCall) => gate.promise.then(() => libc.mount(call)) },
      umount: { value: libc.umount.bind(libc) },
    });
    const told: string[] = [];
    const logger: Logger = { ...nullLogger, warn: (message) => void told.push(message) };
    let looked = false;
    const looking = withView(slow, { mounts: [spec], scratchDir, limitMs: 1, logger }, async () => {
      looked = true;
    });
    await assert.rejects(looking, (err) => hasCode(err, StatusCode.deadlineExceeded));
    assert.deepEqual(told, ["a view is let go later than its limit"]);
    gate.resolve();
    await until("what came later to go", () => (fs.readdirSync(scratchDir).length === 0 ? true : undefined));
    await until("its descriptors to go", () => (openFiles() === before.files ? true : undefined));
    assert.deepEqual(count(), before);
    assert.equal(looked, false);
  });
});
