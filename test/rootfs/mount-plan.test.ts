import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode, type StatusError } from "../../src/base/status.ts";
import { MountFlag } from "../../src/linux/libc.ts";
import { type MountSpec, type MountStep, planMounts } from "../../src/rootfs/mount-plan.ts";

const { bind, rec, rdonly, remount, nosuid, private: priv } = MountFlag;
const spec = (type: string, source: string, options: string[], target = ""): MountSpec => ({
  type,
  source,
  target,
  options,
});
const step = (kind: MountStep["kind"], flags: number, rest: Partial<MountStep> = {}): MountStep => ({
  kind,
  source: "",
  target: "",
  type: "",
  flags,
  data: [],
  ...rest,
});

describe("the plan of a rootfs", () => {
  const rows: [string, MountSpec[], MountStep[]][] = [
    ["of no mounts is empty", [], []],
    [
      "of an overlay is one call",
      [spec("overlay", "overlay", ["lowerdir=/a", "upperdir=/u", "workdir=/w"])],
      [
        step("mount", 0, {
          type: "overlay",
          source: "overlay",
          data: ["lowerdir=/a", "upperdir=/u", "workdir=/w"],
        }),
      ],
    ],
    [
      "of a bind is one call",
      [spec("bind", "/src", ["rbind", "rw"])],
      [step("mount", bind | rec, { type: "bind", source: "/src" })],
    ],
    [
      "of a read-only bind takes a second one, which is not recursive",
      [spec("bind", "/src", ["rbind", "ro"])],
      [
        step("mount", bind | rec | rdonly, { type: "bind", source: "/src" }),
        step("remount", bind | rdonly | remount),
      ],
    ],
    [
      "with other flags on a bind remounts as well",
      [spec("bind", "/src", ["bind", "nosuid"])],
      [
        step("mount", bind | nosuid, { type: "bind", source: "/src" }),
        step("remount", bind | nosuid | remount),
      ],
    ],
    [
      "sets propagation by a call of its own, before the remount",
      [spec("bind", "/src", ["rbind", "ro", "rprivate"])],
      [
        step("mount", bind | rec | rdonly, { type: "bind", source: "/src" }),
        step("propagation", priv | rec),
        step("remount", bind | rdonly | remount),
      ],
    ],
    [
      "of a read-only file system needs no second call",
      [spec("ext4", "/dev/loop0", ["ro"])],
      [step("mount", rdonly, { type: "ext4", source: "/dev/loop0" })],
    ],
    [
      "of a type that takes a helper hands that all options as they are",
      [spec("fuse3.fuse-overlayfs", "overlay", ["lowerdir=/a", "ro", "loop", "uidmap=0:0:1"])],
      [
        step("helper", 0, {
          type: "fuse3.fuse-overlayfs",
          source: "overlay",
          data: ["lowerdir=/a", "ro", "loop", "uidmap=0:0:1"],
        }),
      ],
    ],
    [
      "keeps the order of several mounts, with their targets",
      [spec("tmpfs", "tmpfs", []), spec("bind", "/src", ["bind"], "etc")],
      [
        step("mount", 0, { type: "tmpfs", source: "tmpfs" }),
        step("mount", bind, { type: "bind", source: "/src", target: "etc" }),
      ],
    ],
  ];
  for (const [title, mounts, steps] of rows) {
    test(title, () => assert.deepEqual(planMounts(mounts), steps));
  }

  for (const [type, message] of [
    ["format/overlay", /mount manager/],
    ["mkfs/ext4", /mount manager/],
  ] as const) {
    test(`refuses the type ${type}, saying what it takes`, () => {
      assert.throws(
        () => planMounts([spec(type, "/src", [])]),
        (err: StatusError) =>
          err.code === StatusCode.unimplemented && err.message.includes(type) && message.test(err.message),
      );
    });
  }

  const refused: [string, MountSpec, RegExp][] = [
    ["a target that climbs", spec("bind", "/s", ["bind"], "../etc"), /\.\.\/etc leaves the rootfs/],
    ["a target that climbs further in", spec("bind", "/s", ["bind"], "a/../../etc"), /leaves the rootfs/],
    ["a zero byte in the target", spec("bind", "/s", ["bind"], "a\0b"), /leaves the rootfs/],
    ["a zero byte in the source", spec("bind", "/s\0/t", ["bind"]), /zero byte/],
    ["a zero byte in the type", spec("bi\0nd", "/s", ["bind"]), /zero byte/],
  ];
  for (const [title, mount, message] of refused) {
    test(`refuses ${title}`, () => {
      assert.throws(
        () => planMounts([mount]),
        (err: StatusError) => err.code === StatusCode.invalidArgument && message.test(err.message),
      );
    });
  }
});
