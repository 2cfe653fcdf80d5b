import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { settledLeftovers, snapshotLeftovers } from "../../lab/leftovers.ts";
import { CONTROL, RUNTIMES, tellsItsLast } from "./runtimes.ts";
import {
  killContainer,
  listedState,
  restartDaemon,
  runArgs,
  type Scene,
  shimPid,
  startScene,
} from "./scene.ts";

describe("a containerd that crashes and starts again while a container runs", () => {
  let scene: Scene;
  before(async () => {
    if (CONTROL.skip === false) scene = await startScene();
  });
  after(() => scene?.dispose());

  for (const runtime of RUNTIMES) {
    const id = runtime.ours ? "ebb-survivor" : "go-survivor";
    test(`takes the container over and ends it: ${runtime.name}`, { skip: runtime.skip }, async () => {
      const { containerd } = scene;
      const scope = containerd.scope([id]);
      const clean = snapshotLeftovers(scope);
      await containerd.mustCtr(runArgs(runtime, ["-d"], id, "sleep", "1000"));
      const shim = await shimPid(containerd, id);
      await restartDaemon(scene);

      assert.equal(await listedState(containerd, id), "RUNNING");
      assert.equal(await shimPid(containerd, id), shim);

      await killContainer(containerd, id);
      const { fields } = await scene.events.waitFor(id, "/tasks/exit");
      assert.equal(fields.exit_status, 137);
      await containerd.mustCtr(["task", "rm", id]);
      if (tellsItsLast(runtime)) await scene.events.waitFor(id, "/tasks/delete");
      await containerd.mustCtr(["container", "rm", id]);
      assert.deepEqual(await settledLeftovers(scope, clean), []);
    });
  }
});
