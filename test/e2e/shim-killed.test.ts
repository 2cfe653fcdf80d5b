import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { settledLeftovers, snapshotLeftovers } from "../../lab/leftovers.ts";
import { until } from "../../lab/until.ts";
import { CONTROL, RUNTIMES, type Runtime } from "./runtimes.ts";
import { listedState, runArgs, type Scene, shimPid, startScene } from "./scene.ts";

/**
 * What may be left: the pipes are the client's, who removes them with its task; and containerd's own shim leaves
 * its socket, since nobody unlinks it for a shim that died.
 */
function isExcused(line: string, { ours }: Runtime): boolean {
  return line.startsWith("pipe ") || (!ours && line.startsWith("socket "));
}

describe("a shim that is killed while its container runs", () => {
  let scene: Scene;
  before(async () => {
    if (CONTROL.skip === false) scene = await startScene();
  });
  after(() => scene?.dispose());

  for (const runtime of RUNTIMES) {
    const { skip } = runtime;
    const id = runtime.ours ? "ebb-orphan" : "go-orphan";
    test(`is cleaned up after through delete: ${runtime.name}`, { skip }, async () => {
      const { containerd, events } = scene;
      const scope = containerd.scope([id]);
      const clean = snapshotLeftovers(scope);
      await containerd.mustCtr(runArgs(runtime, ["-d"], id, "sleep", "1000"));
      const started = await events.waitFor(id, "/tasks/start");
      process.kill(await shimPid(containerd, id), "SIGKILL");

      const deleted = await events.waitFor(id, "/tasks/delete");
      assert.deepEqual(
        events.tasks(id).map(({ topic }) => topic),
        ["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"],
      );
      const exited = await events.waitFor(id, "/tasks/exit");
      for (const { fields } of [exited, deleted]) {
        assert.deepEqual([fields.exit_status, fields.pid], [137, started.fields.pid]);
      }
      await until("the task to leave the list", async () =>
        (await listedState(containerd, id)) === undefined ? true : undefined,
      );
      await containerd.mustCtr(["container", "rm", id]);
      const left = await settledLeftovers(scope, clean, (line) => isExcused(line, runtime));
      assert.deepEqual(left, []);
    });

    test(`leaves another container of the same runtime alone: ${runtime.name}`, { skip }, async () => {
      const { containerd, events } = scene;
      const [dying = "", living = ""] = ["dying", "living"].map((name) => `${id}-${name}`);
      const scope = containerd.scope([dying, living]);
      const clean = snapshotLeftovers(scope);
      for (const one of [dying, living]) {
        await containerd.mustCtr(runArgs(runtime, ["-d"], one, "sleep", "1000"));
      }
      process.kill(await shimPid(containerd, dying), "SIGKILL");
      await events.waitFor(dying, "/tasks/delete");
      assert.equal(await listedState(containerd, living), "RUNNING");
      await containerd.mustCtr(["task", "rm", "-f", living]);
      await containerd.mustCtr(["container", "rm", dying, living]);
      const left = await settledLeftovers(scope, clean, (line) => isExcused(line, runtime));
      assert.deepEqual(left, []);
    });
  }
});
