/** When a shim has the kernel get ready for a move into a control group, by real containers. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { command } from "../../lab/command.ts";
import { until } from "../../lab/until.ts";
import { CGROUP_ROOT, groupsOf } from "../../src/linux/cgroup/dirs.ts";
import { containerd } from "../../src/proto/index.ts";
import { noContainers, Workshop } from "./harness.ts";

const shop = new Workshop();
const skip = noContainers;
const id = "hastened";

/** The first hierarchy, which is the one that is used. */
function firstHierarchy(): string {
  const groups = groupsOf(fs.readFileSync("/proc/self/cgroup", "utf8"));
  const [first] = groups.filter(({ name }) => !name.startsWith("name="));
  assert.ok(first !== undefined);
  return path.join(CGROUP_ROOT, first.name);
}

describe("a move into a control group is hastened", () => {
  test("by Create, and by the start of an exec", { skip }, async () => {
    // A shim in a group of its own, whose list of processes is a file that takes down what is written to it.
    const name = `ebb-hasten-${process.pid}`;
    const group = path.join(firstHierarchy(), name);
    const procs = path.join(group, "cgroup.procs");
    const file = path.join(shop.dir, "procs");
    fs.mkdirSync(group);
    const bundle = await shop.bundle(id, ["sleep", "1000"]);
    const value = containerd.runc.v1.Options.encode({ shimCgroup: name }).finish();
    const shim = await shop.launch(bundle, {}, { options: { typeUrl: "containerd.runc.v1.Options", value } });
    const { task } = shim;
    const { shimPid } = await task.connect({ id: "" });
    fs.writeFileSync(file, `1\n${shimPid}\n`);
    await command("mount", ["--bind", file, procs]);
    const hastened = () =>
      until("the shim to have named itself", () =>
        fs.readFileSync(file, "utf8").startsWith(String(shimPid)) ? true : undefined,
      );
    try {
      await task.create({ id, bundle: bundle.path, rootfs: [shop.overlay(id)] });
      await hastened();
      fs.truncateSync(file);
      await task.start({ id });
      assert.equal(fs.readFileSync(file, "utf8"), "");
      const spec = { args: ["true"], cwd: "/", env: ["PATH=/bin"], user: { uid: 0, gid: 0 } };
      const typeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Process";
      await task.exec({ id, execId: "e", spec: { typeUrl, value: Buffer.from(JSON.stringify(spec)) } });
      assert.equal(fs.readFileSync(file, "utf8"), "");
      await task.start({ id, execId: "e" });
      await hastened();
      assert.equal((await task.wait({ id, execId: "e" })).exitStatus, 0);
    } finally {
      await command("umount", [procs]);
    }
    await task.kill({ id, signal: 9 });
    await task.wait({ id });
    await task.delete({ id });
    await task.shutdown({ id });
    await shim.close();
    await until("an empty control group", () => (fs.readFileSync(procs, "utf8") === "" ? true : undefined));
    fs.rmdirSync(group);
    assert.equal(shop.history(id).at(-1), "/tasks/delete 137");
  });
});
