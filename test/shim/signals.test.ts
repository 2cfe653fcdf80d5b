import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { containerd } from "../../src/proto/index.ts";
import { runExec } from "./exec-scene.ts";
import { noContainers, Workshop } from "./harness.ts";

const { Status } = containerd.v1.types;
const shop = new Workshop();
const skip = noContainers;

describe("a shim that gets a signal", () => {
  test("tells what is under way, where that is SIGUSR1, and goes on", { skip }, async () => {
    const id = "asked";
    const { shim, task, pid } = await shop.create(id);
    await task.start({ id });
    const execPid = await runExec(shim, id, "e1", ["sleep", "1000"]);
    const waiting = task.wait({ id, execId: "e1" });
    const { shimPid } = await task.connect({ id });
    process.kill(shimPid, "SIGUSR1");
    const line = await until("the line", () => shop.log(id).find(({ msg }) => msg === "what is under way"));
    const { calls, containers, releases } = line;
    const [call, ...others] = calls as { ms: number }[];
    assert.ok(call !== undefined && call.ms >= 0);
    assert.deepEqual({ ...call, ms: 0 }, { call: "wait", id, execId: "e1", ms: 0 });
    assert.deepEqual(others, []);
    const state = "running";
    const processes = [
      { execId: "", pid, state },
      { execId: "e1", pid: execPid, state },
    ];
    assert.deepEqual(containers, [{ id, processes }]);
    assert.deepEqual(releases, []);
    await task.kill({ id, execId: "e1", signal: 9 });
    assert.equal((await waiting).exitStatus, 137);
  });

  for (const signal of [
    "SIGUSR1",
    "SIGUSR2",
    "SIGALRM",
    "SIGVTALRM",
    "SIGPROF",
    "SIGIO",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGPIPE",
    "SIGWINCH",
  ] as const) {
    test(`goes on with its container after ${signal}`, { skip }, async () => {
      const id = `after-${signal.toLowerCase()}`;
      const { task } = await shop.create(id);
      await task.start({ id });
      const { shimPid } = await task.connect({ id });
      for (let n = 0; n < 2; n += 1) {
        process.kill(shimPid, signal);
        assert.equal((await task.state({ id })).status, Status.RUNNING);
      }
    });
  }
});
