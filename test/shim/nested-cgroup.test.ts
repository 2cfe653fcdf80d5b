import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { cgroupPids } from "../../src/linux/cgroup/cgroup.ts";
import { readMountInfo } from "../../src/linux/mountinfo.ts";
import { io } from "../../src/proto/metrics.ts";
import { shimPath } from "../support/shim-process.ts";
import { runExec } from "./exec-scene.ts";
import { NAMESPACE, noContainers, Workshop } from "./harness.ts";

const shop = new Workshop();

/** The hierarchies of v1. */
const hierarchies = readMountInfo()
  .filter(({ type, root }) => type === "cgroup" && root === "/")
  .map(({ mountPoint }) => mountPoint);
const skip = noContainers || (hierarchies.length === 0 && "needs control groups v1");

/** Where the shim is, in every hierarchy. */
const OUTER = `${NAMESPACE}-outer`;

/** Runs the shim where of each hierarchy only its own group is mounted, as Docker does it on v1. */
const WRAPPER = `#!/bin/sh
for dir in ${hierarchies.join(" ")}; do
  mkdir -p $dir/${OUTER}
  for file in cpuset.cpus cpuset.mems; do [ ! -e $dir/$file ] || cat $dir/$file > $dir/${OUTER}/$file; done
  echo $$ > $dir/${OUTER}/cgroup.procs
done
exec unshare --mount --propagation private sh -c '
! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
for dir in ${hierarchies.join(" ")}; do mount --bind $dir/${OUTER} $dir; done
exec "$0" "$@"' ${shimPath} "$@"
`;

describe("where only the shim's own part of the control groups is mounted", () => {
  after(async () => {
    for (const dir of hierarchies.map((each) => path.join(each, OUTER))) {
      // None, where the test has passed.
      for (const pid of cgroupPids(dir)) process.kill(pid, "SIGKILL");
      const groups = ["nested", ""].map((id) => path.join(dir, NAMESPACE, id));
      await until(`${dir} to be removed`, () => [...groups, dir].every(isRemoved) || undefined);
    }
  });

  test("a container's processes are told, its memory is measured, and its end for want of it is an event", {
    skip,
  }, async () => {
    const id = "nested";
    const binary = path.join(shop.dir, "shim-in-group");
    fs.writeFileSync(binary, WRAPPER, { mode: 0o755 });
    const hungry = "sleep 1000 & read -r line < /go; exec tail -c 100m /dev/zero";
    const { shim, task, pid } = await shop.create(id, {
      args: ["sh", "-c", `mkfifo /go; ${hungry}`],
      binary,
      edit: (spec) => {
        spec.linux = { ...spec.linux, resources: { memory: { limit: 20 << 20 } } };
      },
    });
    await task.start({ id });
    const pids = await until("two processes", async () => {
      const { processes } = await task.pids({ id });
      return processes.length === 2 ? processes.map((process) => process.pid) : undefined;
    });
    assert.ok(pids.includes(pid), `${pid} is not among ${pids}`);
    const { stats } = await task.stats({ id });
    const { memory } = io.containerd.cgroups.v1.Metrics.decode(stats?.value ?? new Uint8Array());
    assert.ok(memory?.usage?.usage, "the container uses no memory");
    // By an exec, as the rootfs is mounted in the shim's namespace alone.
    await runExec(shim, id, "e1", ["sh", "-c", "echo now > /go"]);
    assert.equal((await task.wait({ id })).exitStatus, 137);
    await task.delete({ id });
    await task.shutdown({ id });
    assert.ok(shop.history(id).includes("/tasks/oom"), shop.history(id).join(" "));
  });
});

function isRemoved(dir: string): boolean {
  try {
    if (fs.existsSync(dir)) fs.rmdirSync(dir);
    return true;
  } catch {
    return false;
  }
}
