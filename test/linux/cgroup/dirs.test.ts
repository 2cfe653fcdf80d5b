import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseCgroupDirs } from "../../../src/linux/cgroup/dirs.ts";

/** A host where every group has its directory, but those of one controller. */
const find = (controller: string, group: string) =>
  controller === "absent" ? undefined : `/root/${controller}${group}`;
const dirsOf = (...lines: string[]) => parseCgroupDirs(`${lines.join("\n")}\n`, find);

describe("the control groups of a process", () => {
  test("are one for each controller on v1, also where several share a hierarchy", () => {
    assert.deepEqual(
      dirsOf("5:cpu,cpuacct:/a/b", "4:memory:/c", "3:absent:/d", "1:name=systemd:/e", "0::/f"),
      {
        version: 1,
        controllers: { cpu: "/root/cpu/a/b", cpuacct: "/root/cpuacct/a/b", memory: "/root/memory/c" },
      },
    );
  });

  test("are one on v2", () => {
    assert.deepEqual(dirsOf("0::/pod/a:b"), { version: 2, unified: "/root//pod/a:b" });
  });

  test("are one of v2 where the v1 hierarchies are not mounted", () => {
    assert.deepEqual(dirsOf("3:absent:/a", "0::/a"), { version: 2, unified: "/root//a" });
  });

  test("are none where it is in no group of its own, or in one out of sight", () => {
    assert.equal(dirsOf("4:memory:/", "0::/"), undefined);
    assert.equal(dirsOf("0::/../other"), undefined);
    assert.equal(dirsOf(""), undefined);
  });
});
