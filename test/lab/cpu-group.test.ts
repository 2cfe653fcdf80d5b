import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { CpuGroup, whyNoCpuGroup } from "../../lab/cpu-group.ts";

describe("the processor time of a group", () => {
  let root = "";
  before(() => {
    root = mkdtempSync(path.join(os.tmpdir(), "ebb-test-cpu-"));
  });
  after(() => rmSync(root, { recursive: true }));

  const kinds: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
    ["cgroup v1", "v1/cpuacct", { "cpuacct.usage": "1500000000\n" }],
    ["cgroup v2", "v2", { "cgroup.controllers": "cpu\n", "cpu.stat": "usage_usec 1500000\nuser_usec 7\n" }],
  ];
  for (const [kind, hierarchy, files] of kinds) {
    test(`is read from ${kind}`, () => {
      const group = path.join(root, hierarchy, "group");
      mkdirSync(group, { recursive: true });
      for (const directory of [path.dirname(group), group]) {
        for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);
      }
      const [top = ""] = hierarchy.split("/");
      assert.equal(new CpuGroup("group", path.join(root, top)).usedMs(), 1_500);
    });
  }

  test("cannot be had where nothing counts it, and that is said", { skip: process.getuid?.() !== 0 }, () => {
    assert.match(whyNoCpuGroup(path.join(root, "none")) ?? "", /no cpuacct and no cgroup v2/);
  });

  test("counts what a process of it has started, also when that has ended", {
    skip: whyNoCpuGroup() ?? false,
  }, async () => {
    const name = path.basename(root);
    const group = new CpuGroup(name);
    // Reads a line first, so that it is in the group before it does anything.
    const busy = 'read go; sh -c "for n in \\$(seq 20000); do :; done"';
    const child = spawn("sh", ["-c", busy], { stdio: ["pipe", "ignore", "inherit"] });
    const exited = new Promise((resolve) => child.once("exit", resolve));
    group.add(child.pid ?? 0);
    assert.deepEqual(group.pids(), [child.pid]);
    const before = group.usedMs();
    child.stdin?.end("go\n");
    await exited;
    assert.ok(group.usedMs() > before, "no time was counted");
    assert.deepEqual(group.pids(), []);
    group.remove();
    assert.deepEqual(groupsNamed(name), []);
  });
});

function groupsNamed(name: string): string[] {
  const places = ["/sys/fs/cgroup", "/sys/fs/cgroup/cpuacct"].map((place) => path.join(place, name));
  return places.filter(existsSync);
}
