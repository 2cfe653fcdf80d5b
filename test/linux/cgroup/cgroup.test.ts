import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { cgroupOf, cgroupPids } from "../../../src/linux/cgroup/cgroup.ts";

const v1 = "/sys/fs/cgroup/devices";
const parent = fs.existsSync(v1) ? v1 : "/sys/fs/cgroup";
const skip = process.getuid?.() === 0 ? false : "needs root";

describe("a control group", () => {
  test("is found by a process in it, with the pids in it and below it", { skip }, async () => {
    const dir = path.join(parent, `ebb-test-${process.pid}`);
    const below = path.join(dir, "below");
    fs.mkdirSync(below, { recursive: true });
    const children = [spawn("sleep", ["1000"]), spawn("sleep", ["1000"])];
    const pids = children.map(({ pid = 0 }) => pid);
    fs.writeFileSync(path.join(dir, "cgroup.procs"), String(pids[0]));
    fs.writeFileSync(path.join(below, "cgroup.procs"), String(pids[1]));
    assert.equal(cgroupOf(pids[0] ?? 0), dir);
    assert.equal(cgroupOf(pids[1] ?? 0), below);
    assert.deepEqual(
      cgroupPids(dir),
      [...pids].sort((a, b) => a - b),
    );
    assert.deepEqual(cgroupPids(below), [pids[1]]);
    for (const child of children) {
      child.kill("SIGKILL");
      await new Promise((resolve) => child.once("exit", resolve));
    }
    assert.deepEqual(cgroupPids(dir), []);
    fs.rmdirSync(below);
    fs.rmdirSync(dir);
    assert.deepEqual(cgroupPids(dir), []);
  });

  test("of a process that is not there is unknown", () => {
    assert.equal(cgroupOf(4_194_303), undefined);
  });
});
