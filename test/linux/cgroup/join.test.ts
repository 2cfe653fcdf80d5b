import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { hasCode, StatusCode } from "../../../src/base/status.ts";
import { joinCgroup } from "../../../src/linux/cgroup/join.ts";
import { parseMountInfo, readMountInfo } from "../../../src/linux/mountinfo.ts";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-join-"));
after(() => fs.rmSync(dir, { recursive: true }));

/** Directories that look like hierarchies, each with the groups that it has. */
function host(name: string, hierarchies: readonly [name: string, type: string, ...groups: string[]][]) {
  const lines = hierarchies.map(([hierarchy, type, ...groups], index) => {
    const mountPoint = path.join(dir, name, hierarchy);
    for (const group of groups) {
      fs.mkdirSync(path.join(mountPoint, group), { recursive: true });
      fs.writeFileSync(path.join(mountPoint, group, "cgroup.procs"), "");
    }
    return `${index + 30} 1 0:${index + 30} / ${mountPoint} rw - ${type} none rw`;
  });
  return parseMountInfo(lines.join("\n"));
}

const joined = (name: string) =>
  fs
    .readdirSync(path.join(dir, name), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith("cgroup.procs"))
    .filter((file) => fs.readFileSync(path.join(dir, name, file), "utf8") === "7")
    .sort();

describe("joining a control group", () => {
  test("takes each hierarchy of v1 that has it, named ones too, and leaves v2 beside them alone", async () => {
    const mounts = host("hybrid", [
      ["cpu", "cgroup", "shims", "others"],
      ["memory", "cgroup", "shims"],
      ["pids", "cgroup", "others"],
      ["systemd", "cgroup", "shims"],
      ["unified", "cgroup2", "shims"],
    ]);
    await joinCgroup(7, "/shims", mounts);
    const expected = ["cpu", "memory", "systemd"].map((name) => `${name}/shims/cgroup.procs`);
    assert.deepEqual(joined("hybrid"), expected);
  });

  test("takes the only hierarchy of v2", async () => {
    await joinCgroup(7, "shims/a", host("unified", [["all", "cgroup2", "shims/a", "shims"]]));
    assert.deepEqual(joined("unified"), ["all/shims/a/cgroup.procs"]);
  });

  test("never leads out of a hierarchy", async () => {
    const mounts = host("out", [["all", "cgroup2", "a"]]);
    await joinCgroup(7, "/../../x/../a", mounts);
    assert.deepEqual(joined("out"), ["all/a/cgroup.procs"]);
  });

  test("of a group that is nowhere names it", async () => {
    const joining = joinCgroup(7, "/none", host("none", [["cpu", "cgroup", "others"]]));
    await assert.rejects(
      joining,
      (err) => hasCode(err, StatusCode.notFound) && err.message.includes("control group /none"),
    );
  });

  const skip =
    process.getuid?.() === 0 && readMountInfo().some(({ type }) => type.startsWith("cgroup"))
      ? false
      : "needs root and control groups";

  test("moves a process of this host", { skip }, async () => {
    const name = `ebb-join-${process.pid}`;
    const v1 = readMountInfo().find(
      ({ type, superOptions }) => type === "cgroup" && /pids/.test(superOptions),
    );
    const hierarchy = v1 ?? readMountInfo().find(({ type }) => type === "cgroup2");
    const group = path.join(hierarchy?.mountPoint ?? "", name);
    fs.mkdirSync(group);
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    try {
      await joinCgroup(child.pid ?? 0, `/${name}`);
      assert.match(fs.readFileSync(`/proc/${child.pid}/cgroup`, "utf8"), new RegExp(`:/${name}$`, "m"));
    } finally {
      child.kill("SIGKILL");
      await new Promise((resolve) => child.once("exit", resolve));
      fs.rmdirSync(group);
    }
  });
});
