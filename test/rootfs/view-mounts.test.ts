import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { MountFlag } from "../../src/linux/libc.ts";
import { lowerDirsOf } from "../../src/rootfs/lower-dirs.ts";
import { type MountSpec, planMounts } from "../../src/rootfs/mount-plan.ts";
import { readOnlyMounts } from "../../src/rootfs/view-mounts.ts";

const spec = (type: string, ...options: string[]): MountSpec => ({
  type,
  source: "/src",
  target: "",
  options,
});
const overlay = (...options: string[]) => spec("overlay", ...options);

describe("the mounts to look at a rootfs", () => {
  const rows: [string, MountSpec, readonly string[]][] = [
    [
      "have the upper directory of an overlay above its lower ones",
      overlay("workdir=/w", "lowerdir=/l:/m", "upperdir=/u"),
      ["lowerdir=/u:/l:/m", "index=off"],
    ],
    [
      "name it as a lower directory has to be named",
      overlay("lowerdir=/l\\:1", "upperdir=/a:b\\\\c\\,d", "workdir=/w"),
      ["lowerdir=/a\\:b\\\\c\\,d:/l\\:1", "index=off"],
    ],
    [
      "have no option that is for writing",
      overlay(
        "volatile",
        "fsync=volatile",
        "index=on",
        "nfs_export=on",
        "upperdir=/u",
        "workdir=/w",
        "lowerdir=/l",
      ),
      ["lowerdir=/u:/l", "index=off"],
    ],
    [
      "keep the options that say how layers are read",
      overlay(
        "userxattr",
        "metacopy=on",
        "redirect_dir=on",
        "xino=on",
        "uuid=on",
        "lowerdir=/l",
        "upperdir=/u",
      ),
      ["userxattr", "metacopy=on", "redirect_dir=on", "xino=on", "uuid=on", "lowerdir=/u:/l", "index=off"],
    ],
    [
      "leave the layers of an overlay without an upper directory as they are",
      overlay("lowerdir=/l:/m::/data"),
      ["lowerdir=/l:/m::/data", "index=off"],
    ],
    ["see no more of a bind than its top", spec("bind", "rbind", "rw", "rshared"), ["bind"]],
    ["keep what another file system wants", spec("ext4", "rw", "data=ordered"), ["rw", "data=ordered"]],
  ];
  for (const [title, mount, options] of rows) {
    test(title, () => {
      const [view] = readOnlyMounts([mount]);
      assert.deepEqual(view, {
        ...mount,
        options: [...options, "ro", "nosuid", "nodev", "noexec", "private"],
      });
    });
  }

  test("let nothing be written, run or used as a device, whatever was asked for", () => {
    const { rdonly, nosuid, nodev, noexec } = MountFlag;
    for (const mount of [
      overlay("rw", "suid", "dev", "exec", "lowerdir=/l", "upperdir=/u"),
      spec("ext4", "rw", "suid", "dev", "exec"),
    ]) {
      assert.equal(planMounts(readOnlyMounts([mount]))[0]?.flags, rdonly | nosuid | nodev | noexec);
    }
  });

  test("have as many layers as there are, the upper directory included", () => {
    const layers = Array.from({ length: 200 }, (_, n) => `/layers/${n}`).join(":");
    const [view] = readOnlyMounts([overlay(`lowerdir=${layers}`, "upperdir=/u", "workdir=/w")]);
    assert.equal(lowerDirsOf(view?.options[0] ?? "")?.length, 201);
  });

  for (const [title, mounts, code, message] of [
    ["none at all", [], StatusCode.invalidArgument, /no mounts/],
    ["one below the top", [{ ...overlay(), target: "/etc" }], StatusCode.unimplemented, /mount on \/etc/],
    [
      "an overlay without lower directories",
      [overlay("upperdir=/u")],
      StatusCode.invalidArgument,
      /\/u has no .*lowerdir/,
    ],
  ] as const) {
    test(`cannot be made of ${title}`, () => {
      assert.throws(
        () => readOnlyMounts(mounts),
        (err: Error) => hasCode(err, code) && message.test(err.message),
      );
    });
  }
});
