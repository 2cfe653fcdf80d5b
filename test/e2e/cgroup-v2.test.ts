import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { CONTROL, RUNTIMES, SHIM_DIR } from "./runtimes.ts";
import { EXEC_ID, killContainer, listedState, type Scene, startScene, withContainer } from "./scene.ts";

/** Runs containerd where /sys/fs/cgroup is the one hierarchy of version 2, as on a host without version 1. */
const CONTAINERD = `#!/bin/sh
PATH=\${PATH#*:}
exec unshare --mount --propagation private sh -c \\
  'mount -t cgroup2 none /sys/fs/cgroup && exec containerd "$@"' containerd "$@"
`;

/** The controllers may all be with version 1: there is then nothing that could be limited. */
const NO_LIMITS = ["--cpu-shares", "0"];

describe("with control groups of version 2, under containerd", () => {
  let scene: Scene;
  let dir = "";
  before(async () => {
    if (CONTROL.skip !== false) return;
    dir = mkdtempSync(path.join(os.tmpdir(), "ebb-test-cgroup2-"));
    writeFileSync(path.join(dir, "containerd"), CONTAINERD, { mode: 0o755 });
    scene = await startScene({ shimDirs: [dir, SHIM_DIR] });
  });
  after(async () => {
    await scene?.dispose();
    if (dir !== "") rmSync(dir, { recursive: true });
  });

  for (const runtime of RUNTIMES) {
    const id = runtime.ours ? "ebb-unified" : "go-unified";
    test(`a container is listed, frozen, thawed, measured and killed: ${runtime.name}`, {
      skip: runtime.skip,
    }, () => {
      const task = (...args: string[]) => scene.containerd.mustCtr(["task", ...args]);
      return withContainer(scene, { runtime, id, flags: NO_LIMITS }, async () => {
        const { containerd } = scene;
        await task("exec", "-d", "--exec-id", "one", id, "sleep", "999");
        const { fields } = await scene.events.waitForExec(id, "/tasks/exec-started", "one");
        const listed = await task("ps", id);
        assert.match(listed, new RegExp(`^${fields.pid}\\s.*${EXEC_ID.source}`, "m"));
        assert.equal(listed.trimEnd().split("\n").length, 3, listed);
        assert.deepEqual(groupsOf(Number(fields.pid)), [`/${containerd.namespace}/${id}`]);
        await task("pause", id);
        assert.equal(await listedState(containerd, id), "PAUSED");
        await task("resume", id);
        assert.equal(await listedState(containerd, id), "RUNNING");
        const metrics = JSON.parse(await task("metrics", "--format", "json", id));
        assert.ok("io" in metrics, "these are figures of version 2");
        // The kernel counts processor time without the controller as well; containerd's own shim asks only with it.
        if (runtime.ours) assert.ok(metrics.cpu.usage_usec > 0, JSON.stringify(metrics));
        await killContainer(containerd, id);
        const exit = await scene.events.waitFor(id, "/tasks/exit");
        assert.equal(exit.fields.exit_status, 137);
      });
    });
  }
});

/** The control groups of version 2 that a process is in. */
function groupsOf(pid: number): string[] {
  const groups = readFileSync(`/proc/${pid}/cgroup`, "utf8");
  return [...groups.matchAll(/^0::(.*)$/gm)].map(([, group = ""]) => group);
}
