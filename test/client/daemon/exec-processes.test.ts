import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deferred } from "../../../src/base/deferred.ts";
import { StatusCode, StatusError } from "../../../src/base/status.ts";
import { ExecProcesses } from "../../../src/client/daemon/exec-processes.ts";
import { DEFAULT_LIMITS } from "../../../src/client/daemon/supervisor-limits.ts";
import { defaultSpec } from "../../../src/client/spec.ts";
import type { TaskClient } from "../../../src/client/task-client.ts";
import { status } from "../../support/status.ts";

const { process } = defaultSpec({ namespace: "n", id: "c", args: ["true"] });

/** The part of a shim that has a container's further processes; each ends as soon as it is started. */
class Shim {
  readonly #statuses = new Map<string, number>();
  started: () => Promise<void> = async () => {};
  status = 0;
  /** What a Delete fails with. */
  problem: StatusError | undefined;

  readonly task = {
    exec: async ({ execId = "" }) => void this.#statuses.set(execId, this.status),
    start: async () => {
      await this.started();
      return { pid: 7 };
    },
    wait: async ({ execId = "" }) => {
      const exitStatus = this.#statuses.get(execId);
      if (exitStatus === undefined) throw new StatusError(StatusCode.notFound, `no process ${execId}`);
      return { exitStatus };
    },
    delete: async ({ execId = "" }) => {
      if (this.problem !== undefined) throw this.problem;
      this.#statuses.delete(execId);
    },
  } as unknown as TaskClient;
}

describe("a further process of a container", () => {
  const place = () => {
    const shim = new Shim();
    const execs = new ExecProcesses({ id: "c", limits: DEFAULT_LIMITS, task: async () => shim.task });
    return { shim, execs, run: () => execs.run({ execId: "x", process, stdio: {} }) };
  };

  test("whose end is told before its start is answered has its exit status", async () => {
    const { shim, execs, run } = place();
    const [begun, answered] = [deferred(), deferred()];
    shim.status = 3;
    shim.started = () => {
      begun.resolve();
      return answered.promise;
    };
    const running = run();
    await begun.promise;
    // What an event of its exit leads to.
    assert.equal((await execs.watch("x").ending).exitStatus, 3);
    answered.resolve();
    assert.equal(await running, 7);
    assert.equal((await execs.wait("x")).exitStatus, 3);
  });

  test("is deleted after its end, and its exit status is known to who asks late", async () => {
    const { shim, execs, run } = place();
    shim.status = 3;
    await run();
    await execs.watch("x").deleted;
    await assert.rejects(async () => shim.task.wait({ execId: "x" }), status(StatusCode.notFound, /x/));
    assert.equal((await execs.wait("x")).exitStatus, 3);
  });

  test("that the shim does not know any more is deleted, and one that it keeps is not", async () => {
    for (const code of [StatusCode.notFound, StatusCode.deadlineExceeded]) {
      const { shim, execs, run } = place();
      shim.problem = new StatusError(code, "no Delete");
      await run();
      const { ending, deleted } = execs.watch("x");
      if (code === StatusCode.notFound) await deleted;
      else await assert.rejects(deleted, status(code, /no Delete/));
      assert.equal((await ending).exitStatus, 0);
    }
  });

  test("has an exit status of its own where its name was used before", async () => {
    const { shim, execs, run } = place();
    for (const status of [4, 5]) {
      shim.status = status;
      await run();
      assert.equal((await execs.wait("x")).exitStatus, status);
    }
  });
});
