import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { interleave } from "../../bench/interleave.ts";

const { signal } = new AbortController();

/** In which order the subjects are sampled. */
async function orderOf(subjects: readonly string[], count: number, warmUp = 0): Promise<string> {
  let order = "";
  await interleave({ subjects, count, warmUp, signal }, async (subject) => {
    order += subject;
  });
  return order;
}

describe("interleaved rounds", () => {
  for (const [what, subjects, count, expected] of [
    ["change who comes first", ["A", "B"], 3, "ABBAAB"],
    ["let each of three come first once", ["A", "B", "C"], 3, "ABCBCACAB"],
    ["of one subject are its samples", ["A"], 2, "AA"],
    ["of nobody are none", [], 2, ""],
  ] as const) {
    test(what, async () => assert.equal(await orderOf(subjects, count), expected));
  }

  test("keep the samples of each subject by round", async () => {
    const rounds = { subjects: ["A", "B"], count: 2, signal };
    const samples = await interleave(rounds, async (subject, round) => `${subject}${round}`);
    assert.deepEqual(Object.fromEntries(samples), { A: ["A0", "A1"], B: ["B0", "B1"] });
  });

  test("drop what was sampled to warm up", async () => {
    const rounds = { subjects: ["A", "B"], count: 1, warmUp: 1, signal };
    const samples = await interleave(rounds, async (subject, round) => `${subject}${round}`);
    assert.deepEqual(Object.fromEntries(samples), { A: ["A0"], B: ["B0"] });
    assert.equal(await orderOf(["A", "B"], 1, 1), "ABBA");
  });

  test("end with the signal's reason, before the next sample", async () => {
    const stop = new AbortController();
    const reason = new Error("enough");
    let taken = 0;
    const rounds = interleave({ subjects: ["A", "B"], count: 9, signal: stop.signal }, async () => {
      if (++taken === 3) stop.abort(reason);
    });
    await assert.rejects(rounds, reason);
    assert.equal(taken, 3);
  });
});
