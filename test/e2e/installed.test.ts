import assert from "node:assert/strict";
import { readlinkSync, rmSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { settledLeftovers, snapshotLeftovers } from "../../lab/leftovers.ts";
import { CONTROL, EBB } from "./runtimes.ts";
import { killContainer, listedState, runArgs, type Scene, shimPid, startScene } from "./scene.ts";
import { installUnderUsualName } from "./usual-name.ts";

describe("installed under the name of containerd's own shim", () => {
  const { skip } = EBB;
  let dir = "";
  let scene: Scene;
  before(async () => {
    if (skip !== false) return;
    dir = installUnderUsualName();
    scene = await startScene({ shimDirs: [dir] });
  });
  after(async () => {
    await scene?.dispose();
    if (dir !== "") rmSync(dir, { recursive: true });
  });

  test("the shim runs the containers of the usual runtime", { skip }, async () => {
    const { containerd } = scene;
    const id = "usual";
    const scope = containerd.scope([id]);
    const clean = snapshotLeftovers(scope);
    await containerd.mustCtr(runArgs(CONTROL, ["-d"], id, "sleep", "1000"));
    const shim = await shimPid(containerd, id);
    assert.equal(readlinkSync(`/proc/${shim}/exe`), path.join(dir, "containerd-shim-ebb"));
    assert.equal(await listedState(containerd, id), "RUNNING");
    await killContainer(containerd, id);
    await containerd.mustCtr(["task", "rm", id]);
    await containerd.mustCtr(["container", "rm", id]);
    assert.deepEqual(await settledLeftovers(scope, clean), []);
  });
});
