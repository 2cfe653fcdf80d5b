import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Stopwatch } from "../../bench/stopwatch.ts";

describe("a stopwatch", () => {
  test("hands on what a step results in, and has its time", async () => {
    const watch = new Stopwatch<"a" | "b">();
    assert.equal(await watch.time("a", async () => 7), 7);
    const { a, b } = watch.of(["a", "b"]);
    assert.ok(a >= 0 && a <= watch.total);
    assert.equal(b, 0);
  });

  test("lets a step fail", async () => {
    const watch = new Stopwatch<"a">();
    const failure = new Error("no");
    await assert.rejects(
      watch.time("a", () => Promise.reject(failure)),
      failure,
    );
  });
});
