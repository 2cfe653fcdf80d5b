import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { settledLeftovers, snapshotLeftovers } from "../../lab/leftovers.ts";
import { until } from "../../lab/until.ts";
import { CONTROL, EBB, RUNTIMES, tellsItsLast } from "./runtimes.ts";
import { bundlePath, killContainer, runArgs, type Scene, startScene, waitForState } from "./scene.ts";
import { recordTranscript } from "./transcript.ts";

describe("ctr run", () => {
  let scene: Scene;
  before(async () => {
    if (CONTROL.skip === false) scene = await startScene();
  });
  after(() => scene?.dispose());

  for (const runtime of RUNTIMES) {
    const prefix = runtime.ours ? "ebb" : "go";
    const { skip } = runtime;
    describe(runtime.name, () => {
      for (const status of [0, 3]) {
        test(`shows the output and passes on exit status ${status}, and leaves nothing`, {
          skip,
        }, async () => {
          const id = `${prefix}-status-${status}`;
          const scope = scene.containerd.scope([id]);
          const clean = snapshotLeftovers(scope);
          const script = `echo out; echo err >&2; exit ${status}`;
          const run = await scene.containerd.ctr(runArgs(runtime, ["--rm"], id, "sh", "-c", script));
          assert.deepEqual([run.stdout, run.stderr, run.exitCode], ["out\n", "err\n", status]);
          assert.deepEqual(await settledLeftovers(scope, clean), []);
        });
      }

      test("passes on exit status 137 after a kill -9, and leaves nothing", { skip }, async () => {
        const id = `${prefix}-killed`;
        const scope = scene.containerd.scope([id]);
        const clean = snapshotLeftovers(scope);
        const run = scene.containerd.ctr(runArgs(runtime, ["--rm"], id, "sleep", "1000"));
        await waitForState(scene.containerd, id, "RUNNING");
        await scene.containerd.mustCtr(["task", "kill", "-s", "KILL", id]);
        assert.equal((await run).exitCode, 137);
        assert.deepEqual(await settledLeftovers(scope, clean), []);
      });

      test("carries a large output over without a byte lost", { skip }, async () => {
        const id = `${prefix}-large`;
        const script = "seq 1 200000";
        const run = await scene.containerd.ctr(runArgs(runtime, ["--rm"], id, "sh", "-c", script));
        const lines = run.stdout.trimEnd().split("\n");
        assert.deepEqual([lines.length, lines[0], lines.at(-1)], [200_000, "1", "200000"]);
      });

      test("deletes a detached container without waiting for somebody to read its output", {
        skip,
      }, async () => {
        const id = `${prefix}-unread`;
        const script = "until [ -e /go ]; do usleep 10000; done; echo unread; touch /said; exec sleep 1000";
        await scene.containerd.mustCtr(runArgs(runtime, ["-d"], id, "sh", "-c", script));
        // The client is gone, and with it the reader: only now does the container speak.
        const rootfs = path.join(bundlePath(scene.containerd, id), "rootfs");
        writeFileSync(path.join(rootfs, "go"), "");
        await until("the output", () => (existsSync(path.join(rootfs, "said")) ? true : undefined));
        await killContainer(scene.containerd, id);
        const waiting = spawn("sleep", ["5"]);
        await scene.containerd.mustCtr(["task", "rm", id]);
        assert.equal(waiting.exitCode, null, "the deletion took longer than a process of five seconds");
        waiting.kill();
        await scene.containerd.mustCtr(["container", "rm", id]);
      });

      test("fails for a program that is not there, and leaves nothing", { skip }, async () => {
        const id = `${prefix}-missing`;
        const scope = scene.containerd.scope([id]);
        const clean = snapshotLeftovers(scope);
        const run = await scene.containerd.ctr(runArgs(runtime, ["--rm"], id, "/no/such/program"));
        assert.equal(run.exitCode, 1);
        assert.match(run.stderr, /no such file or directory/);
        assert.deepEqual(await settledLeftovers(scope, clean), []);
      });

      test("runs three containers at once, each with its own output", { skip }, async () => {
        const ids = [1, 2, 3].map((number) => `${prefix}-many-${number}`);
        const runs = await Promise.all(
          ids.map((id) => scene.containerd.ctr(runArgs(runtime, ["--rm"], id, "echo", id))),
        );
        assert.deepEqual(
          runs.map(({ stdout, exitCode }) => [stdout, exitCode]),
          ids.map((id) => [`${id}\n`, 0]),
        );
      });

      test("gives the events of a container's life in their order", { skip }, async () => {
        const id = `${prefix}-events`;
        await scene.containerd.mustCtr(runArgs(runtime, ["-d"], id, "sleep", "1000"));
        await killContainer(scene.containerd, id);
        await scene.containerd.mustCtr(["task", "rm", id]);
        await scene.events.waitFor(id, tellsItsLast(runtime) ? "/tasks/delete" : "/tasks/exit");
        const topics = scene.events.tasks(id).map(({ topic }) => topic);
        const life = ["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"];
        assert.deepEqual(topics, life.slice(0, tellsItsLast(runtime) ? 4 : topics.length));
        assert.ok(topics.length >= 3);
        await scene.containerd.mustCtr(["container", "rm", id]);
      });
    });
  }

  test("what ctr shows is the same with both shims", { skip: EBB.skip }, async () => {
    const control = await recordTranscript(scene, CONTROL, "go-transcript");
    const ours = await recordTranscript(scene, EBB, "ebb-transcript");
    assert.deepEqual(ours.events, control.events);
    assert.deepEqual(ours.commands, control.commands);
  });

  test("what ctr shows of one shim is the same twice: the comparison has no noise", {
    skip: CONTROL.skip,
  }, async () => {
    const first = await recordTranscript(scene, CONTROL, "go-first");
    const second = await recordTranscript(scene, CONTROL, "go-second");
    assert.deepEqual(second, first);
    assert.equal(first.events.length, tellsItsLast(CONTROL) ? 4 : 3);
  });
});
