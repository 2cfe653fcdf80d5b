import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { hasCode, StatusCode, type StatusError } from "../../src/base/status.ts";
import { errnoError } from "../../src/linux/errno.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { readMountInfo } from "../../src/linux/mountinfo.ts";
import { executeMounts } from "../../src/rootfs/mount-execute.ts";
import { type MountSpec, planMounts } from "../../src/rootfs/mount-plan.ts";
import { FakeLibc } from "../linux/fake-libc.ts";
import { notRoot, openDirectories, scratch } from "./scratch.ts";

const libc = loadLibc();
const place = scratch(libc);
const skip = notRoot;
const fails = (code: StatusCode, message: RegExp) => (err: StatusError) =>
  hasCode(err, code) && message.test(err.message);
const mount = (mounts: Partial<MountSpec>[], rootfs: string, on: FakeLibc | typeof libc = libc) =>
  executeMounts(
    on,
    planMounts(mounts.map((m) => ({ type: "", source: "", target: "", options: [], ...m }))),
    { rootfs },
  );
const noUserNamespace = spawnSync("unshare", ["-Urm", "true"]).status === 0 ? false : "needs user namespaces";
const sourceOf = (file: string) => fileURLToPath(new URL(`../../src/${file}`, import.meta.url));
const infoOf = (at: string) => readMountInfo().find(({ mountPoint }) => mountPoint === at);
/** The name of a directory as an option of overlay has it. */
const escaped = (name: string) => name.replace(/[\\:,]/g, "\\$&");

describe("executing a plan", () => {
  test("makes its calls in order and stops at the first that fails", async () => {
    const fake = new FakeLibc();
    fake.onMount = async ({ type }) => {
      if (type === "second") throw errnoError("mount", 22);
    };
    const mounts = [{ type: "first" }, { type: "second" }, { type: "third" }];
    await assert.rejects(mount(mounts, "/rootfs", fake), fails(StatusCode.invalidArgument, /EINVAL/));
    assert.deepEqual(fake.calls, ["mount first /rootfs", "mount second /rootfs"]);
  });

  test("names the directory that is missing, which the kernel does not", async () => {
    const fake = new FakeLibc();
    fake.onMount = async () => {
      throw errnoError("mount overlay on /rootfs", 2);
    };
    const options = [`lowerdir=/usr:/no/such/layer`, "upperdir=/usr", "workdir=/usr"];
    const message = /mount overlay on \/rootfs: ENOENT: \/no\/such\/layer does not exist/;
    await assert.rejects(
      mount([{ type: "overlay", options }], "/rootfs", fake),
      fails(StatusCode.notFound, message),
    );
    const bind = [{ type: "bind", source: "/no/such/source", options: ["bind"] }];
    await assert.rejects(
      mount(bind, "/rootfs", fake),
      fails(StatusCode.notFound, /\/no\/such\/source does not exist/),
    );
    const tmpfs = [{ type: "tmpfs", source: "tmpfs" }];
    await assert.rejects(mount(tmpfs, "/no/such/rootfs", fake), /\/no\/such\/rootfs does not exist/);
  });

  test("begins no step once its signal has aborted", async () => {
    const fake = new FakeLibc();
    const controller = new AbortController();
    fake.onMount = async () => controller.abort(new Error("enough"));
    const spec = { type: "tmpfs", source: "", target: "", options: [] };
    const { signal } = controller;
    const mounting = executeMounts(fake, planMounts([spec, spec]), { rootfs: "/rootfs", signal });
    await assert.rejects(mounting, /enough/);
    assert.equal(fake.mounts.length, 1);
  });

  test("hands options that fit into a page on as they are", async () => {
    const fake = new FakeLibc();
    await mount([{ type: "overlay", options: ["lowerdir=/usr:/etc", "ro"] }], "/rootfs", fake);
    assert.equal(fake.mounts[0]?.data, "lowerdir=/usr:/etc");
  });

  test("refuses more layers than even short names make room for, and leaves no descriptor open", async () => {
    const [layer = ""] = place.make("l".repeat(100));
    const before = openDirectories(place.dir);
    const options = [`lowerdir=${Array.from({ length: 300 }, () => layer).join(":")}`];
    await assert.rejects(
      mount([{ type: "overlay", options }], "/rootfs", new FakeLibc()),
      fails(StatusCode.invalidArgument, /too many layers/),
    );
    assert.equal(openDirectories(place.dir), before);
  });

  test("names a layer that is missing among too many for a page", async () => {
    const layers = Array.from({ length: 60 }, (_, n) => `/no/such/${"x".repeat(80)}/${n}`);
    await assert.rejects(
      mount([{ type: "overlay", options: [`lowerdir=${layers.join(":")}`] }], "/rootfs", new FakeLibc()),
      fails(StatusCode.notFound, /lower directory \/no\/such\/x+\/0: ENOENT/),
    );
  });
});

describe("the kernel", () => {
  test("merges an overlay, and what is written lands in its upper directory", { skip }, async () => {
    const [lower = "", upper = "", work = "", rootfs = ""] = place.make("o/l", "o/u", "o/w", "o/rootfs");
    fs.writeFileSync(path.join(lower, "a"), "below");
    await mount(
      [
        {
          type: "overlay",
          source: "overlay",
          options: [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`],
        },
      ],
      rootfs,
    );
    assert.equal(fs.readFileSync(path.join(rootfs, "a"), "utf8"), "below");
    fs.writeFileSync(path.join(rootfs, "b"), "above");
    assert.equal(fs.readFileSync(path.join(upper, "b"), "utf8"), "above");
  });

  test("makes a read-only bind really read-only", { skip }, async () => {
    const [source = "", rootfs = ""] = place.make("ro/source", "ro/rootfs");
    await mount([{ type: "bind", source, options: ["rbind", "ro"] }], rootfs);
    assert.throws(() => fs.writeFileSync(path.join(rootfs, "x"), ""), /EROFS/);
    fs.writeFileSync(path.join(source, "x"), "");
  });

  test("lets a bind keep what a user namespace may not take off it", {
    skip: skip || noUserNamespace,
  }, async () => {
    const [source = "", rootfs = ""] = place.make("locked/source", "locked/rootfs");
    await mount([{ type: "tmpfs", source: "tmpfs", options: ["nodev", "nosuid"] }], source);
    const spec = { type: "bind", source, target: "", options: ["rbind", "ro"] };
    const script = `
      import fs from "node:fs";
      import { loadLibc } from ${JSON.stringify(sourceOf("linux/koffi-libc.ts"))};
      import { executeMounts } from ${JSON.stringify(sourceOf("rootfs/mount-execute.ts"))};
      import { planMounts } from ${JSON.stringify(sourceOf("rootfs/mount-plan.ts"))};
      const steps = planMounts([${JSON.stringify(spec)}]);
      await executeMounts(loadLibc(), steps, { rootfs: ${JSON.stringify(rootfs)} });
      const mounts = fs.readFileSync("/proc/self/mountinfo", "utf8").split("\\n");
      console.log(mounts.findLast((line) => line.includes(${JSON.stringify(` ${rootfs} `)})).split(" ")[5]);
    `;
    const { stdout, stderr } = spawnSync("unshare", ["-Urm", process.execPath, "-e", script], {
      encoding: "utf8",
    });
    assert.deepEqual([stdout.trim(), stderr], ["ro,nosuid,nodev,relatime", ""]);
  });

  test("sets the propagation that was asked for", { skip }, async () => {
    const [source = "", shared = "", isPrivate = ""] = place.make("p/source", "p/shared", "p/private");
    await mount([{ type: "bind", source, options: ["bind", "shared"] }], shared);
    await mount([{ type: "bind", source, options: ["bind", "private"] }], isPrivate);
    const propagation = (at: string) => infoOf(at)?.propagation.join() ?? "none";
    assert.match(propagation(shared), /^shared:\d+/);
    assert.equal(propagation(isPrivate), "");
  });

  test("mounts below the rootfs, but not through a link that leads out of it", { skip }, async () => {
    const [source = "", rootfs = "", outside = ""] = place.make("t/source", "t/rootfs/etc", "t/outside");
    const top = path.dirname(rootfs);
    fs.writeFileSync(path.join(source, "x"), "");
    await mount([{ type: "bind", source, target: "/etc", options: ["bind"] }], top);
    assert.ok(fs.existsSync(path.join(top, "etc/x")));
    fs.symlinkSync(outside, path.join(top, "out"));
    fs.symlinkSync("etc", path.join(top, "in"));
    await assert.rejects(
      mount([{ type: "bind", source, target: "out", options: ["bind"] }], top),
      fails(StatusCode.invalidArgument, /leads out of the rootfs/),
    );
    assert.deepEqual(fs.readdirSync(outside), []);
    await mount([{ type: "bind", source, target: "in", options: ["bind"] }], top);
  });

  for (const name of ["a:b", "a,b", "a\\b", "a\\", "a\\:b", "a b"]) {
    for (const count of [1, 60]) {
      const title = `takes ${count} layers with names such as ${JSON.stringify(name)}, written as overlay wants them`;
      test(title, { skip }, async () => {
        const top = `named-${count}-${Buffer.from(name).toString("hex")}`;
        const long = Array.from({ length: count }, (_, n) => `${top}/${"x".repeat(80)}${n}${name}`);
        const layers = place.make(...long, `${top}/last`);
        const [rootfs = "", upper = "", work = ""] = place.make(
          `${top}/rootfs`,
          `${top}/up${name}`,
          `${top}/work${name}`,
        );
        for (const [n, layer] of layers.entries()) fs.writeFileSync(path.join(layer, `file-${n}`), "");
        const options = [
          `lowerdir=${layers.map(escaped).join(":")}`,
          `upperdir=${escaped(upper)}`,
          `workdir=${escaped(work)}`,
        ];
        await mount([{ type: "overlay", source: "overlay", options }], rootfs);
        assert.equal(fs.readdirSync(rootfs).length, count + 1);
        fs.writeFileSync(path.join(rootfs, "new"), "");
        assert.deepEqual(fs.readdirSync(upper), ["new"]);
      });
    }
  }

  test("mounts a tmpfs with its flags and options", { skip }, async () => {
    const [rootfs = ""] = place.make("tmpfs");
    const options = ["nosuid", "noexec", "size=64k", "mode=750", "ro"];
    await mount([{ type: "tmpfs", source: "mine", options }], rootfs);
    const info = infoOf(rootfs);
    assert.deepEqual([info?.type, info?.source], ["tmpfs", "mine"]);
    assert.match(info?.options ?? "", /^ro,nosuid,noexec/);
    assert.match(info?.superOptions ?? "", /size=64k,mode=750/);
  });

  test("gives a bind each flag that was asked for, the source none", { skip }, async () => {
    const [source = "", rootfs = ""] = place.make("flags/source", "flags/rootfs");
    await mount([{ type: "tmpfs", source: "none" }], source);
    const options = ["rbind", "rprivate", "ro", "nosuid", "nodev", "noexec", "noatime"];
    await mount([{ type: "bind", source, options }], rootfs);
    assert.equal(infoOf(rootfs)?.options, "ro,nosuid,nodev,noexec,noatime");
    assert.equal(infoOf(source)?.options, "rw,relatime");
  });

  test("says what is wrong, and blames no directory that is there", { skip }, async () => {
    const [lower = "", upper = "", work = "", rootfs = ""] = place.make("b/l", "b/u,p", "b/w:k", "b/rootfs");
    const dirs = [`lowerdir=${lower}`, `upperdir=${escaped(upper)}`, `workdir=${escaped(work)}`];
    const wrong = [{ type: "overlay", source: "overlay", options: [...dirs, "no-such-option"] }];
    await assert.rejects(
      mount(wrong, rootfs),
      (err: Error) =>
        hasCode(err, StatusCode.invalidArgument) && err.message === `mount overlay on ${rootfs}: EINVAL`,
    );
    fs.rmSync(work, { recursive: true });
    await assert.rejects(
      mount([{ type: "overlay", source: "overlay", options: dirs }], rootfs),
      (err: Error) => hasCode(err, StatusCode.notFound) && err.message.endsWith(`: ${work} does not exist`),
    );
  });

  test("refuses a target that is missing, naming it, and takes one that is the rootfs itself", {
    skip,
  }, async () => {
    const [source = "", rootfs = ""] = place.make("m/source", "m/rootfs");
    const bind = (target: string) => mount([{ type: "bind", source, target, options: ["bind"] }], rootfs);
    await assert.rejects(
      bind("gone"),
      fails(StatusCode.notFound, /mount target .*\/m\/rootfs\/gone: ENOENT/),
    );
    fs.symlinkSync("loop", path.join(rootfs, "loop"));
    await assert.rejects(bind("loop"), fails(StatusCode.invalidArgument, /loop: ELOOP/));
    assert.deepEqual(
      place.mounts().filter((point) => point.startsWith(rootfs)),
      [],
    );
    await bind("./");
    assert.deepEqual(
      place.mounts().filter((point) => point.startsWith(rootfs)),
      [rootfs],
    );
  });
});
