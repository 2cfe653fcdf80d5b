import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode, type StatusError } from "../../src/base/status.ts";
import { MountFlag } from "../../src/linux/libc.ts";
import { parseMountOptions } from "../../src/rootfs/mount-options.ts";

const M = MountFlag;

describe("mount options", () => {
  const rows: [string[], number, number, string[]][] = [
    [[], 0, 0, []],
    [["defaults"], 0, 0, []],
    [["ro"], M.rdonly, 0, []],
    [["ro", "rw"], 0, 0, []],
    [["rw", "ro"], M.rdonly, 0, []],
    [["nosuid", "nodev", "noexec"], M.nosuid | M.nodev | M.noexec, 0, []],
    [["nosuid", "suid", "nodev", "dev", "noexec", "exec"], 0, 0, []],
    [["bind"], M.bind, 0, []],
    [["rbind", "ro"], M.bind | M.rec | M.rdonly, 0, []],
    [["sync"], M.synchronous, 0, []],
    [["sync", "async"], 0, 0, []],
    [["dirsync", "mand", "remount"], M.dirsync | M.mandlock | M.remount, 0, []],
    [["mand", "nomand"], 0, 0, []],
    [["noatime", "nodiratime"], M.noatime | M.nodiratime, 0, []],
    [["noatime", "atime", "nodiratime", "diratime"], 0, 0, []],
    [["relatime", "strictatime", "lazytime"], M.relatime | M.strictatime | M.lazytime, 0, []],
    [["relatime", "norelatime", "strictatime", "nostrictatime", "lazytime", "nolazytime"], 0, 0, []],
    [["private"], 0, M.private, []],
    [["rprivate"], 0, M.private | M.rec, []],
    [["shared"], 0, M.shared, []],
    [["rshared"], 0, M.shared | M.rec, []],
    [["slave"], 0, M.slave, []],
    [["rslave"], 0, M.slave | M.rec, []],
    [["unbindable"], 0, M.unbindable, []],
    [["runbindable"], 0, M.unbindable | M.rec, []],
    [["shared", "private"], 0, M.private, []],
    [
      ["lowerdir=/a:/b", "upperdir=/u", "workdir=/w", "index=off"],
      0,
      0,
      ["lowerdir=/a:/b", "upperdir=/u", "workdir=/w", "index=off"],
    ],
    [["volatile", "ro", "userxattr"], M.rdonly, 0, ["volatile", "userxattr"]],
    [["constructor", "toString"], 0, 0, ["constructor", "toString"]],
  ];
  for (const [options, flags, propagation, data] of rows) {
    test(`${options.join(",") || "none"}`, () => {
      assert.deepEqual(parseMountOptions(options), { flags, propagation, data });
    });
  }

  test("loop takes the source for a file, read-only where the mount is", () => {
    const rows: [string[], boolean, boolean][] = [
      [["loop"], false, false],
      [["loop", "ro"], true, false],
      [["ro", "loop", "rw"], false, false],
      [["loop", "direct-io"], false, true],
    ];
    for (const [options, readOnly, directIo] of rows) {
      const { loop, data } = parseMountOptions(options);
      assert.deepEqual([loop, data], [{ readOnly, directIo }, []]);
    }
    assert.deepEqual(parseMountOptions(["direct-io"]).data, ["direct-io"]);
  });

  test("uidmap and gidmap map ids, the last of each counting", () => {
    const options = ["uidmap=0:1:1", "gidmap=0:2:1", "lowerdir=/a", "uidmap=0:3:1"];
    const { idMaps, data } = parseMountOptions(options);
    assert.deepEqual([idMaps, data], [{ uids: "0 3 1\n", gids: "0 2 1\n" }, ["lowerdir=/a"]]);
  });

  for (const option of ["X-containerd.mkfs.fs=ext4", "X-containerd.dmverity=/x", "loop=/dev/loop0"]) {
    test(`${option} is refused by name`, () => {
      assert.throws(
        () => parseMountOptions(["ro", option]),
        (err: StatusError) => err.code === StatusCode.unimplemented && err.message.includes(option),
      );
    });
  }

  test("a zero byte, which would hide what follows, is refused", () => {
    assert.throws(
      () => parseMountOptions(["upperdir=/u\0/x"]),
      (err: StatusError) => err.code === StatusCode.invalidArgument && err.message.includes("upperdir"),
    );
  });
});
