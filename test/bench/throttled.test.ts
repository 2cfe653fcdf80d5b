import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { throttled } from "../../bench/throttled.ts";

/** A disk that takes down what is done with it. */
function recordingDisk() {
  const calls: string[] = [];
  return {
    calls,
    throttle: (limit: number) => calls.push(`throttle ${limit}`),
    lift: () => calls.push("lift"),
  };
}

describe("a disk that is slow for a while", () => {
  const cases: readonly (readonly [string, number | undefined, readonly string[]])[] = [
    ["is fast again after the work", 4, ["throttle 4", "work", "lift"]],
    ["was never slow without a limit", undefined, ["work", "lift"]],
  ];
  for (const [title, limit, expected] of cases) {
    test(title, async () => {
      const disk = recordingDisk();
      const result = await throttled(disk, limit, async () => disk.calls.push("work"));
      assert.deepEqual([disk.calls, typeof result], [expected, "number"]);
    });
  }

  test("is fast again after work that has failed, which is told", async () => {
    const disk = recordingDisk();
    const failure = new Error("no such container");
    await assert.rejects(
      throttled(disk, 4, () => Promise.reject(failure)),
      failure,
    );
    assert.deepEqual(disk.calls, ["throttle 4", "lift"]);
  });
});
