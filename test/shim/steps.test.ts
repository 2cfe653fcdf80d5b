import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { Steps } from "../../src/shim/steps.ts";

describe("Steps", () => {
  test("are done in order, each once, also when asked again", async () => {
    const done: string[] = [];
    const steps = new Steps(["a", "b", "c"].map((name) => ({ name, run: () => void done.push(name) })));
    await steps.run();
    await steps.run();
    assert.deepEqual(done, ["a", "b", "c"]);
  });

  test("go on with the one that failed when asked again", async () => {
    const done: string[] = [];
    let broken = true;
    const steps = new Steps([
      { name: "a", run: () => void done.push("a") },
      {
        name: "b",
        run: () => {
          if (broken) throw new Error("b is broken");
          done.push("b");
        },
      },
      { name: "c", run: () => void done.push("c") },
    ]);
    await assert.rejects(steps.run(), /b is broken/);
    assert.deepEqual(done, ["a"]);
    broken = false;
    await steps.run();
    assert.deepEqual(done, ["a", "b", "c"]);
  });

  test("are shared by calls at the same time, error included", async () => {
    const gate = deferred();
    let runs = 0;
    const steps = new Steps([
      {
        name: "a",
        run: async () => {
          runs += 1;
          await gate.promise;
        },
      },
    ]);
    const both = Promise.allSettled([steps.run(), steps.run()]);
    gate.reject(new Error("no"));
    assert.deepEqual(
      (await both).map(({ status }) => status),
      ["rejected", "rejected"],
    );
    assert.equal(runs, 1);
  });
});
