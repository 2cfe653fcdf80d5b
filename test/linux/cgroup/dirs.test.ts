import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { dirFinder, parseCgroupDirs } from "../../../src/linux/cgroup/dirs.ts";
import { withTempDir } from "../../support/files.ts";

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

  test("are looked for below what is mounted of a hierarchy, which is asked where they are not at their paths", async () => {
    await withTempDir((root) => {
      const at = (...names: string[]) => path.join(root, ...names);
      for (const group of ["memory/pod/c", "cpu,cpuacct/c", "pids/docker/1/c"]) {
        fs.mkdirSync(at(group), { recursive: true });
        fs.writeFileSync(at(group, "cgroup.procs"), "");
      }
      fs.symlinkSync("cpu,cpuacct", at("cpu"));
      let reads = 0;
      const line = (point: string, part: string) =>
        `40 30 0:32 ${part} ${at(point)} rw - cgroup cgroup rw,memory\n`;
      const table = line("memory", "/") + line("memory", "/docker/1") + line("cpu,cpuacct", "/docker/1");
      const dirsAt = (text: string) =>
        parseCgroupDirs(
          text,
          dirFinder(root, () => {
            reads += 1;
            return table;
          }),
        );
      assert.deepEqual(dirsAt("2:pids:/docker/1/c\n"), {
        version: 1,
        controllers: { pids: at("pids/docker/1/c") },
      });
      assert.equal(reads, 0);
      assert.deepEqual(dirsAt("3:memory:/docker/1/pod/c\n4:cpu:/docker/1/c\n"), {
        version: 1,
        controllers: { memory: at("memory/pod/c"), cpu: at("cpu/c") },
      });
      assert.equal(reads, 1);
      // The whole of what is there, what is beside it, and what is not mounted at all.
      for (const text of ["3:memory:/docker/1", "3:memory:/docker/12/pod/c", "3:absent:/docker/1/c"]) {
        assert.equal(dirsAt(text), undefined);
      }
    });
  });
});
