import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deferred } from "../../../src/base/deferred.ts";
import { StatusCode, StatusError } from "../../../src/base/status.ts";
import { backOffMs, RetryQueue } from "../../../src/client/daemon/retry-queue.ts";

const closed = new StatusError(StatusCode.cancelled, "closed");

function queueWith(firstMs: number) {
  const problems: string[] = [];
  const listener = {
    onProblem: (error: StatusError, attempts: number) => problems.push(`${attempts}: ${error.message}`),
    onDone: () => problems.push("done"),
  };
  return { queue: new RetryQueue({ firstMs, maxMs: firstMs }, listener), problems };
}

describe("the back-off", () => {
  for (const [attempts, ms] of [
    [1, 100],
    [2, 200],
    [3, 400],
    [9, 5000],
    [9999, 5000],
  ] as const) {
    test(`after ${attempts} attempts is ${ms} ms`, () => {
      assert.equal(backOffMs({ firstMs: 100, maxMs: 5000 }, attempts), ms);
    });
  }
});

describe("a queue that tries again", () => {
  test("does one thing after the other, each until it succeeds", async () => {
    const { queue, problems } = queueWith(1);
    let left = 2;
    const first = queue.add(async () => {
      left -= 1;
      if (left >= 0) throw new Error("busy");
    });
    const second = queue.add(async () => void problems.push("second"));
    await Promise.all([first, second]);
    assert.deepEqual(problems, ["1: busy", "2: busy", "done", "second", "done"]);
  });

  test("tries at once when it is hurried", async () => {
    const { queue, problems } = queueWith(1_000_000_000);
    const failed = deferred();
    let tried = 0;
    const done = queue.add(async () => {
      tried += 1;
      if (tried > 1) return;
      setTimeout(failed.resolve, 0);
      throw new Error("busy");
    });
    await failed.promise;
    queue.hurry();
    await done;
    assert.deepEqual(problems, ["1: busy", "done"]);
  });

  test("leaves undone what waits when it is closed", async () => {
    const { queue } = queueWith(1_000_000_000);
    const stuck = queue.add(() => Promise.reject(new Error("busy")));
    const never = queue.add(async () => assert.fail("was done"));
    setTimeout(() => queue.close(closed), 0);
    await assert.rejects(stuck, closed);
    await assert.rejects(never, closed);
  });
});
