import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { hasCode, StatusCode, type StatusError } from "../../src/base/status.ts";
import { errnoError } from "../../src/linux/errno.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import type { Libc, MountCall } from "../../src/linux/libc.ts";
import { readMountInfo } from "../../src/linux/mountinfo.ts";
import { ownChildren } from "../../src/linux/process-stat.ts";
import { executeMounts } from "../../src/rootfs/mount-execute.ts";
import { type MountSpec, planMounts } from "../../src/rootfs/mount-plan.ts";
import { FakeLibc } from "../linux/fake-libc.ts";
import { notRoot, openDirectories, scratch } from "./scratch.ts";

const libc = loadLibc();
const place = scratch(libc);
const skip = notRoot;
const MAPS = ["uidmap=0:100000:65536", "gidmap=0:200000:65536"];

const mount = (spec: Partial<MountSpec>, rootfs: string, on: Libc = libc) =>
  executeMounts(on, planMounts([{ type: "", source: "", target: "", options: [], ...spec }]), {
    rootfs,
    scratchDir: () => place.make("moments")[0] ?? "",
  });

/** Whose a file is. */
function owner(...names: string[]): [number, number] {
  const { uid, gid } = fs.statSync(path.join(...names));
  return [uid, gid];
}

/** Layers with a file each, owned by root and by 33. */
function layers(name: string, count: number): string[] {
  const dirs = place.make(...Array.from({ length: count }, (_, n) => `${name}/layer-${n}`));
  for (const [n, dir] of dirs.entries()) {
    fs.writeFileSync(path.join(dir, `root-${n}`), "");
    fs.writeFileSync(path.join(dir, `other-${n}`), "");
    fs.chownSync(path.join(dir, `other-${n}`), 33, 34);
  }
  return dirs;
}

function overlay(name: string, lower: readonly string[]): { rootfs: string; upper: string; spec: MountSpec } {
  const [rootfs = "", upper = "", work = ""] = place.make(`${name}/rootfs`, `${name}/upper`, `${name}/work`);
  const options = [`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${lower.join(":")}`, ...MAPS];
  return { rootfs, upper, spec: { type: "overlay", source: "overlay", target: "", options } };
}

/** A kernel from before 6.15, which takes no layer of an overlay that is in no tree. */
function olderKernel(): Libc & { readonly refused: MountCall[] } {
  const refused: MountCall[] = [];
  const isInTree = (data: string) =>
    [...data.matchAll(/\/proc\/self\/fd\/(\d+)/g)].every(([link]) =>
      place.mounts().includes(fs.readlinkSync(link)),
    );
  const withCheck = async (call: MountCall) => {
    if (call.type === "overlay" && !isInTree(call.data)) {
      refused.push(call);
      throw errnoError("mount", 22);
    }
    await libc.mount(call);
  };
  return new Proxy(libc, {
    get: (target, key) => {
      if (key === "refused") return refused;
      if (key === "mount") return withCheck;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  }) as Libc & { readonly refused: MountCall[] };
}

/** What must be the same before and after. */
function counts() {
  return {
    mounts: readMountInfo().filter(({ mountPoint }) => mountPoint.startsWith(`${place.dir}/`)).length,
    fds: openDirectories("/") + openDirectories("user:"),
    children: ownChildren().length,
    scratch: fs.readdirSync(place.make("moments")[0] ?? "").length,
  };
}

describe("an overlay with mapped ids", () => {
  test("shows the files of its layers as the maps say, and keeps the owners of what is written", {
    skip,
  }, async () => {
    const { rootfs, upper, spec } = overlay("plain", layers("plain", 2));
    const before = counts();
    await mount(spec, rootfs);
    assert.deepEqual(owner(rootfs, "root-0"), [100_000, 200_000]);
    assert.deepEqual(owner(rootfs, "other-1"), [100_033, 200_034]);
    fs.writeFileSync(path.join(rootfs, "new"), "");
    fs.chownSync(path.join(rootfs, "new"), 100_001, 200_001);
    assert.deepEqual(owner(upper, "new"), [100_001, 200_001]);
    assert.deepEqual(counts(), { ...before, mounts: before.mounts + 1 });
  });

  test("is one on older kernels too, whose layers are in the tree for a moment", { skip }, async () => {
    const { rootfs, spec } = overlay("older", layers("older", 3));
    const before = counts();
    const kernel = olderKernel();
    await mount(spec, rootfs, kernel);
    assert.equal(kernel.refused.length, 1);
    assert.deepEqual(owner(rootfs, "other-2"), [100_033, 200_034]);
    assert.deepEqual(counts(), { ...before, mounts: before.mounts + 1 });
  });

  test("takes 200 layers", { skip }, async () => {
    const { rootfs, spec } = overlay("many", layers("many", 200));
    const before = counts();
    await mount(spec, rootfs);
    assert.deepEqual(owner(rootfs, "root-199"), [100_000, 200_000]);
    assert.deepEqual(counts(), { ...before, mounts: before.mounts + 1 });
  });

  test("leaves nothing where the kernel refuses it, and says since when it can", { skip }, async () => {
    const { rootfs, spec } = overlay("refused", layers("refused", 2));
    const before = counts();
    const wrong = { ...spec, options: [...spec.options, "no-such-option"] };
    await assert.rejects(
      mount(wrong, rootfs),
      (err: StatusError) => err.code === StatusCode.invalidArgument && /since Linux 5\.19/.test(err.message),
    );
    assert.deepEqual(counts(), before);
    const missing = { ...spec, options: ["lowerdir=/no/such/layer", ...MAPS] };
    await assert.rejects(mount(missing, rootfs), /\/no\/such\/layer/);
    assert.deepEqual(counts(), before);
  });
});

describe("another mount with mapped ids", () => {
  test("of a directory shows its files as the maps say, with its flags", { skip }, async () => {
    const [source = ""] = layers("bind", 1);
    const [rootfs = ""] = place.make("bind/rootfs");
    const before = counts();
    await mount({ type: "bind", source, options: ["rbind", "ro", "nosuid", ...MAPS] }, rootfs);
    assert.deepEqual(owner(rootfs, "other-0"), [100_033, 200_034]);
    assert.deepEqual(owner(source, "other-0"), [33, 34]);
    assert.match(readMountInfo().find((one) => one.mountPoint === rootfs)?.options ?? "", /^ro,nosuid/);
    assert.deepEqual(counts(), { ...before, mounts: before.mounts + 1 });
  });

  test("of a file system is one mount, not one upon another", { skip }, async () => {
    const [rootfs = ""] = place.make("tmpfs/rootfs");
    const before = counts();
    await mount({ type: "tmpfs", source: "none", options: ["mode=750", ...MAPS] }, rootfs);
    assert.deepEqual(owner(rootfs), [100_000, 200_000]);
    assert.deepEqual(counts(), { ...before, mounts: before.mounts + 1 });
  });

  test("is refused by name where its file system cannot, and leaves nothing", { skip }, async () => {
    const [rootfs = ""] = place.make("proc/rootfs");
    const before = counts();
    await assert.rejects(
      mount({ type: "proc", source: "proc", options: MAPS }, rootfs),
      (err: StatusError) =>
        err.code === StatusCode.failedPrecondition && /proc: its file system cannot/.test(err.message),
    );
    assert.deepEqual(counts(), before);
  });

  test("takes several ranges of ids, and refuses what the kernel refuses", { skip }, async () => {
    const [source = ""] = layers("ranges", 1);
    const [rootfs = ""] = place.make("ranges/rootfs");
    const ranges = ["uidmap=0:5000:1,33:6000:1", "gidmap=0:5000:1,34:6001:1"];
    await mount({ type: "bind", source, options: ["bind", ...ranges] }, rootfs);
    assert.deepEqual(owner(rootfs, "root-0"), [5000, 5000]);
    assert.deepEqual(owner(rootfs, "other-0"), [6000, 6001]);
    const before = counts();
    const twice = ["uidmap=0:5000:10,5:6000:1", "gidmap=0:5000:1"];
    await assert.rejects(
      mount({ type: "bind", source, options: ["bind", ...twice] }, rootfs),
      (err) => hasCode(err, StatusCode.invalidArgument) && /uid_map: EINVAL/.test(String(err)),
    );
    assert.deepEqual(counts(), before);
  });

  test("says what is missing where the host has no user namespace left", async () => {
    await assert.rejects(
      mount({ type: "bind", source: "/usr", options: ["bind", ...MAPS] }, "/rootfs", new FakeLibc()),
      /user\.max_user_namespaces/,
    );
  });
});
