import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  escapeOctal,
  parseLinesWith,
  parseMountInfo,
  readMountInfo,
  unescapeOctal,
} from "../../src/linux/mountinfo.ts";

const line = (mountPoint: string, options = "") =>
  `36 35 98:0 /root ${mountPoint} rw,noatime ${options}- ext3 /dev/root rw,errors=continue`;

describe("mountinfo", () => {
  test("is parsed field by field, with any number of optional ones", () => {
    const [mount] = parseMountInfo(line("/mnt", "shared:2 master:1 "));
    assert.deepEqual(mount, {
      id: 36,
      parent: 35,
      device: "98:0",
      root: "/root",
      mountPoint: "/mnt",
      options: "rw,noatime",
      propagation: ["shared:2", "master:1"],
      type: "ext3",
      source: "/dev/root",
      superOptions: "rw,errors=continue",
    });
    assert.deepEqual(parseMountInfo(line("/mnt"))[0]?.propagation, []);
  });

  test("has blanks, tabs, newlines and backslashes of names unescaped", () => {
    const [mount] = parseMountInfo(line("/a\\040b\\011c\\012d\\134e"));
    assert.equal(mount?.mountPoint, "/a b\tc\nd\\e");
  });

  test("has names written as the kernel writes them", () => {
    assert.equal(escapeOctal("/a b\tc\nd\\e/größe"), "/a\\040b\\011c\\012d\\134e/größe");
    for (const name of ["/plain", "/a b", "/\\040", "/größe"])
      assert.equal(unescapeOctal(escapeOctal(name)), name);
  });

  test("is searched for lines with a text, each of which is told once and in order", () => {
    const table = [
      "1 0 0:1 / / rw - ext4 /dev/a rw",
      "11 1 0:2 / /b /c rw - tmpfs b rw",
      "2 1 0:1 / /b rw - x y z",
    ];
    const found = (part: string, text = table.join("\n")) => parseLinesWith(part, text).map(({ id }) => id);
    assert.deepEqual([found(" 0:1 "), found(" / "), found("nothing")], [[1, 2], [1, 11, 2], []]);
    assert.deepEqual(
      [found("\n1 "), found("\n1 ", `\n${table.join("\n")}\n`), found("\n2 ")],
      [[], [1], [2]],
    );
    assert.deepEqual(found("rw", `${table[0]}\n`), [1]);
  });

  test("keeps names of other alphabets", () => {
    assert.equal(parseMountInfo(line("/größe/世界"))[0]?.mountPoint, "/größe/世界");
  });

  test("leaves out what is no mount", () => {
    assert.deepEqual(parseMountInfo("\n36 35\n36 35 98:0 / /mnt rw ext3 /dev/root rw\ngarbage"), []);
  });

  test("of this process has a root", () => {
    assert.ok(readMountInfo().some(({ mountPoint }) => mountPoint === "/"));
  });
});
