import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compare, type Figure } from "../../bench/comparison.ts";
import { median, p99, ratio } from "../../bench/statistics.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe("a median", () => {
  for (const [what, values, expected] of [
    ["is the value in the middle", [9, 1, 5], 5],
    ["lies between the two in the middle of an even number", [8, 1, 2, 4], 3],
    ["of one value is that value", [7], 7],
    ["of none is no number", [], Number.NaN],
  ] as const) {
    test(what, () => assert.equal(median(values), expected));
  }

  test("leaves the values in their order", () => {
    const values = [3, 1, 2];
    median(values);
    assert.deepEqual(values, [3, 1, 2]);
  });
});

describe("the 99th percentile", () => {
  for (const [what, values, expected] of [
    ["of 100 values is the last but one", upTo(100), 99],
    ["of 1000 values has ten above it", upTo(1000), 990],
    ["of fewer than 100 is the greatest", [4, 30, 2], 30],
    ["of none is no number", [], Number.NaN],
  ] as const) {
    test(what, () => assert.equal(p99(values), expected));
  }
});

describe("a ratio", () => {
  for (const [what, values, reference, expected] of [
    ["is the median of what the rounds say", [2, 30, 4], [1, 10, 4], 2],
    ["is not moved by a round in which all was slow", [2, 200, 2], [1, 100, 1], 2],
    ["compares as many rounds as both have", [2, 2, 50], [1, 1], 2],
    ["of nothing is no number", [], [1], Number.NaN],
  ] as const) {
    test(what, () => assert.equal(ratio(values, reference), expected));
  }
});

describe("a comparison", () => {
  const figures: readonly Figure<"ms" | "rate">[] = [
    { key: "ms", title: "time", unit: "ms", p99: true },
    { key: "rate", title: "speed", unit: "/s", better: "more" },
  ];
  const [ours, other] = [{ label: "ours" }, { label: "other" }];
  const samples = new Map([
    [ours, [1, 2, 3].map((ms) => ({ ms, rate: 10 * ms }))],
    [other, [2, 4, 6].map((ms) => ({ ms, rate: ms }))],
  ]);

  test("has a table for each figure, with what the reference is compared to", () => {
    assert.deepEqual(compare(figures, samples, other), [
      {
        title: "time",
        unit: "ms",
        better: "less",
        subjects: [
          { label: "ours", median: 2, p99: 3, ratio: 0.5, n: 3 },
          { label: "other", median: 4, p99: 6, n: 3 },
        ],
      },
      {
        title: "speed",
        unit: "/s",
        better: "more",
        subjects: [
          { label: "ours", median: 20, ratio: 5, n: 3 },
          { label: "other", median: 4, n: 3 },
        ],
      },
    ]);
  });

  test("has no ratio to what took nothing", () => {
    const nothing = new Map([
      [ours, [{ ms: 1, rate: 0 }]],
      [other, [{ ms: 0, rate: 0 }]],
    ]);
    const ratios = compare(figures, nothing, other).flatMap(({ subjects }) => subjects.map((s) => s.ratio));
    assert.deepEqual([...new Set(ratios)], [undefined]);
  });

  test("has no ratios where there is nothing to compare with", () => {
    const ratios = compare(figures, samples, undefined).flatMap(({ subjects }) =>
      subjects.map((s) => s.ratio),
    );
    assert.deepEqual([...new Set(ratios)], [undefined]);
  });
});
