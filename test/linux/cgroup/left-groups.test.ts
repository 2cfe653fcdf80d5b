import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode } from "../../../src/base/status.ts";
import { removeLeftGroups } from "../../../src/linux/cgroup/left-groups.ts";
import { withTempDir } from "../../support/files.ts";
import { hierarchy } from "../../support/hierarchy.ts";
import { status } from "../../support/status.ts";

const groups = (root: string) =>
  fs
    .readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => /\/[cx]$/.test(name))
    .sort();

describe("control groups that a killed runtime has left", () => {
  test("are removed in each hierarchy of v1, and nobody else's", () =>
    withTempDir(async (root) => {
      for (const group of ["cpu,cpuacct/ns/c", "memory/ns/c", "memory/ns/x", "pids/ns/x"]) {
        fs.mkdirSync(path.join(root, group), { recursive: true });
      }
      fs.symlinkSync("cpu,cpuacct", path.join(root, "cpu"));
      await removeLeftGroups("/ns/c", 100, root);
      assert.deepEqual(groups(root), ["memory/ns/x", "pids/ns/x"]);
    }));

  test("are removed in the tree of v2", () =>
    withTempDir(async (root) => {
      fs.writeFileSync(path.join(root, "cgroup.controllers"), "");
      for (const group of ["ns/c", "ns/x"]) fs.mkdirSync(path.join(root, group), { recursive: true });
      await removeLeftGroups("/ns/c", 100, root);
      assert.deepEqual(groups(root), ["ns/x"]);
    }));

  for (const path of [undefined, 7, "", "/", "ns/c", "/ns/../ns/c", "/ns/c/", "system.slice:cri:c"]) {
    test(`are not looked for at ${JSON.stringify(path)}`, () =>
      withTempDir(async (root) => {
        fs.mkdirSync(`${root}/pids/ns/c`, { recursive: true });
        await removeLeftGroups(path, 100, root);
        assert.deepEqual(groups(root), ["pids/ns/c"]);
      }));
  }

  test("are told where somebody stays in one", {
    skip: hierarchy === undefined && "this host has no control groups to make one in",
  }, async () => {
    const name = `/ebb-left-${process.pid}`;
    const group = `${hierarchy}${name}`;
    const pids = path.join(group, "cgroup.procs");
    const before = path.join(hierarchy ?? "", ownGroup(), "cgroup.procs");
    fs.mkdirSync(group);
    fs.writeFileSync(pids, String(process.pid));
    try {
      const expected = status(StatusCode.failedPrecondition, new RegExp(`remove .*${name}`));
      await assert.rejects(removeLeftGroups(name, 30), expected);
    } finally {
      fs.writeFileSync(before, String(process.pid));
    }
    await removeLeftGroups(name, 1_000);
    assert.equal(fs.existsSync(group), false);
  });
});

/** The path of this process's own group in that hierarchy. */
function ownGroup(): string {
  const lines = fs.readFileSync("/proc/self/cgroup", "utf8").trim().split("\n");
  const own =
    lines.find((line) => /^\d+:([^:]*,)?pids[,:]/.test(line)) ?? lines.find((line) => /^0::/.test(line));
  return own?.split(":").slice(2).join(":") ?? "/";
}
