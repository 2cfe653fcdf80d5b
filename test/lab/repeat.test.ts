import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { repeat } from "../../lab/repeat.ts";

describe("calling again and again", () => {
  test("counts answers, failures and times, and how far things went during one call", async () => {
    const done = new AbortController();
    let [calls, progress] = [0, 0];
    const call = async () => {
      calls++;
      progress += calls === 2 ? 5 : 1;
      if (calls === 2) throw new Error("not now");
      if (calls === 3) done.abort();
    };
    const seen = await repeat({ call, everyMs: 0, progress: () => progress, signal: done.signal });
    const { times, ...counts } = seen;
    assert.deepEqual(counts, { answered: 2, failures: ["not now"], furthest: 5 });
    assert.equal(times.length, 3);
  });
});
