import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { containerd } from "../../src/proto/index.ts";
import { io } from "../../src/proto/metrics.ts";
import { shimPath } from "../support/shim-process.ts";
import { NAMESPACE, noContainers, Workshop } from "./harness.ts";

const SIGKILL = 9;
const { Status } = containerd.v1.types;
const shop = new Workshop();
const skip = noContainers;

/** Runs the shim where /sys/fs/cgroup is the one hierarchy of v2, as it is on a host without v1. */
const WRAPPER = `#!/bin/sh
exec unshare --mount --propagation private sh -c 'mount -t cgroup2 none /sys/fs/cgroup && exec "$0" "$@"' ${shimPath} "$@"
`;

describe("on a host with cgroup v2", () => {
  let groups = "";
  before(async () => {
    if (skip !== false) return;
    groups = path.join(shop.dir, "cgroup2");
    fs.mkdirSync(groups);
    await loadLibc().mount({ source: "none", target: groups, type: "cgroup2", flags: 0, data: "" });
  });
  after(() => {
    if (groups !== "") loadLibc().umount(groups, 0);
  });

  test("a container runs, is counted, frozen, thawed, measured and killed", { skip }, async () => {
    const id = "unified";
    const wrapper = path.join(shop.dir, "shim-on-v2");
    fs.writeFileSync(wrapper, WRAPPER, { mode: 0o755 });
    const bundle = await shop.bundle(id, ["sh", "-c", "sleep 1000 & exec sleep 1000"]);
    const { task } = await shop.launch(bundle, {}, { binary: wrapper });
    const { pid } = await task.create({ id, bundle: bundle.path, rootfs: [shop.overlay(id)] });
    await task.start({ id });
    const { processes } = await task.pids({ id });
    const pids = processes.map((process) => process.pid);
    assert.ok(pids.includes(pid), `${pid} is not among ${pids}`);

    const group = path.join(groups, NAMESPACE, id);
    const frozen = () => /frozen (\d)/.exec(fs.readFileSync(path.join(group, "cgroup.events"), "utf8"))?.[1];
    await task.pause({ id });
    assert.deepEqual([(await task.state({ id })).status, frozen()], [Status.PAUSED, "1"]);
    await task.resume({ id });
    assert.deepEqual([(await task.state({ id })).status, frozen()], [Status.RUNNING, "0"]);

    const { stats } = await task.stats({ id });
    assert.equal(stats?.typeUrl, "io.containerd.cgroups.v2.Metrics");
    const { cpu } = io.containerd.cgroups.v2.Metrics.decode(stats?.value ?? new Uint8Array());
    assert.ok(cpu?.usageUsec, "the container has used no processor");

    await task.kill({ id, signal: SIGKILL });
    assert.equal((await task.wait({ id })).exitStatus, 137);
    await task.delete({ id });
    assert.equal(fs.existsSync(group), false);
  });
});
