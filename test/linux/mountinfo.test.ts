import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseMountInfo, readMountInfo } from "../../src/linux/mountinfo.ts";

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
