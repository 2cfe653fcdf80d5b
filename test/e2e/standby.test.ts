import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { settledLeftovers, snapshotLeftovers } from "../../lab/leftovers.ts";
import { until } from "../../lab/until.ts";
import { placesIn } from "../../src/shim/standby/place.ts";
import { isAlive } from "../oci/helpers.ts";
import { EBB } from "./runtimes.ts";
import { removeContainer, restartDaemon, runArgs, type Scene, shimPid, startScene } from "./scene.ts";
import { story } from "./story.ts";

const { skip } = EBB;

/** Where servers stand by for a daemon that names no other directory. */
const FOLDER = "/run/containerd/s/standby";

/** Waits until a shim's process stands by. */
function standsBy(pid: number): Promise<true> {
  return until(`shim ${pid} to stand by`, () => {
    return placesIn(FOLDER).some(({ server }) => server.pid === pid) ? true : undefined;
  });
}

describe("containers whose shim stands by for the next, under containerd", () => {
  let scene: Scene;
  before(async () => {
    if (skip !== false) return;
    scene = await startScene({ env: { EBB_STANDBY_AT_ONCE: "2" } });
    // The first shim of a host makes the folder, and stands by in none.
    await scene.containerd.mustCtr(runArgs(EBB, ["--rm"], "standby-first", "true"));
  });
  after(() => scene?.dispose());

  test("have the output and exit status of their own, one after the other", { skip }, async () => {
    const scope = scene.containerd.scope(["standby-run"]);
    const clean = snapshotLeftovers(scope);
    for (let n = 0; n < 5; n += 1) {
      const args = ["sh", "-c", `echo this is ${n}; exit ${n}`];
      const { stdout, exitCode } = await scene.containerd.ctr(runArgs(EBB, ["--rm"], "standby-run", ...args));
      assert.deepEqual([stdout, exitCode], [`this is ${n}\n`, n]);
    }
    assert.deepEqual(await settledLeftovers(scope, clean), []);
  });

  test("have one shim in turn, which looks like theirs, and events of their own", { skip }, async () => {
    const { containerd } = scene;
    const pids: number[] = [];
    for (const id of ["standby-one", "standby-two", "standby-three"]) {
      const clean = snapshotLeftovers(containerd.scope([id]));
      await containerd.mustCtr(runArgs(EBB, ["-d"], id, "sleep", "1000"));
      const pid = await shimPid(containerd, id);
      pids.push(pid);
      await removeContainer(containerd, id);
      await scene.events.waitFor(id, "/tasks/delete");
      assert.deepEqual(story(scene.events, id), [
        "create init",
        "start init",
        "exit init 137",
        "delete init",
      ]);
      await standsBy(pid);
      assert.deepEqual(await settledLeftovers(containerd.scope([id]), clean), []);
    }
    assert.equal(new Set(pids).size, 1, pids.join());
  });

  test("outlive a daemon that crashes, and no shim stands by for it", { skip }, async () => {
    const { containerd } = scene;
    await containerd.mustCtr(runArgs(EBB, ["-d"], "standby-survivor", "sleep", "1000"));
    const pid = await shimPid(containerd, "standby-survivor");
    await restartDaemon(scene);
    assert.equal(await shimPid(containerd, "standby-survivor"), pid);
    await removeContainer(containerd, "standby-survivor");
    await until(`the end of shim ${pid}`, () => (isAlive(pid) ? undefined : true));
  });
});
