import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { MountFlag } from "../../src/linux/libc.ts";
import { isNothingMounted } from "../../src/rootfs/nothing-mounted.ts";
import { until } from "../oci/helpers.ts";
import { notRoot, openDirectories, scratch } from "./scratch.ts";

const libc = loadLibc();
const place = scratch(libc);
const skip = notRoot;

const tmpfs = (target: string) => libc.mount({ source: "none", target, type: "tmpfs", flags: 0, data: "" });
const bind = (source: string, target: string) =>
  libc.mount({ source, target, type: "", flags: MountFlag.bind, data: "" });

describe("that nothing is mounted", () => {
  test("is so of an empty directory", { skip }, async () => {
    const [empty = ""] = place.make("empty");
    assert.equal(await isNothingMounted(empty), true);
    assert.equal(await isNothingMounted(`${empty}/`), true);
  });

  test("is so again when what was mounted is gone", { skip }, async () => {
    const [rootfs = ""] = place.make("again");
    for (let times = 0; times < 2; times += 1) await tmpfs(rootfs);
    assert.equal(await isNothingMounted(rootfs), false);
    libc.umount(rootfs, 0);
    assert.equal(await isNothingMounted(rootfs), false);
    libc.umount(rootfs, 0);
    assert.equal(await isNothingMounted(rootfs), true);
  });

  const cases: [what: string, prepare: (dir: string) => unknown][] = [
    ["on which something is mounted", tmpfs],
    [
      "on which an empty directory of the same file system is mounted",
      (dir) => bind(place.make("other")[0] ?? "", dir),
    ],
    ["that is mounted on itself", (dir) => bind(dir, dir)],
    [
      "with something mounted in it",
      (dir) => {
        fs.mkdirSync(path.join(dir, "in"));
        return tmpfs(path.join(dir, "in"));
      },
    ],
    ["with a file in it", (dir) => fs.writeFileSync(path.join(dir, "file"), "")],
    ["that is not there", (dir) => fs.rmdirSync(dir)],
    [
      "that is a link",
      (dir) => {
        fs.rmdirSync(dir);
        fs.symlinkSync(place.make("empty")[0] ?? "", dir);
      },
    ],
    [
      "that is a file",
      (dir) => {
        fs.rmdirSync(dir);
        fs.writeFileSync(dir, "");
      },
    ],
  ];
  for (const [n, [what, prepare]] of cases.entries()) {
    test(`is not said of one ${what}`, { skip }, async () => {
      const [dir = ""] = place.make(`case-${n}`);
      await prepare(dir);
      assert.equal(await isNothingMounted(dir), false);
    });
  }

  test("leaves no descriptor open", { skip }, async () => {
    const [empty = ""] = place.make("empty");
    for (const dir of [empty, path.join(place.dir, "missing")]) await isNothingMounted(dir);
    await until(() => openDirectories(place.dir) === 0, "the descriptors to be closed");
  });
});
