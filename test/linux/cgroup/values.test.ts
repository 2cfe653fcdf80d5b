import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Count,
  parseCount,
  parseNamed,
  parseRdma,
  UNLIMITED,
} from "../../../src/linux/cgroup/values.ts";

describe("a number of a control group", () => {
  const rows: [string, string | undefined, Count][] = [
    ["is what the file says", "4096\n", 4096],
    ["is exact beyond 2^53", "9007199254740993\n", 9_007_199_254_740_993n],
    ["may be the largest of its type", "18446744073709551615", UNLIMITED],
    ["is 0 where the kernel says less than nothing", "-4096\n", 0],
    ["is 0 where it says nothing", "", 0],
    ["is 0 where there is no file", undefined, 0],
    ["is 0 where it is no number", "1e9", 0],
  ];
  for (const [title, text, value] of rows) {
    test(title, () => assert.equal(parseCount(text), value));
  }

  test("that is `max` is what that means to whom it may concern", () => {
    assert.equal(parseCount("max\n"), 0);
    assert.equal(parseCount("max\n", UNLIMITED), UNLIMITED);
  });
});

test("a file of names and values may end without a line feed, or be missing", () => {
  assert.deepEqual(
    [...parseNamed("low 0\noom_kill 7")],
    [
      ["low", 0],
      ["oom_kill", 7],
    ],
  );
  assert.deepEqual([...parseNamed(undefined)], []);
});

test("an RDMA device has handles and objects, and `max` of them where nothing limits it", () => {
  assert.deepEqual(parseRdma("mlx4_0 hca_handle=2 hca_object=max\nbare\n"), [
    { device: "mlx4_0", hcaHandles: 2, hcaObjects: 4_294_967_295 },
    { device: "bare", hcaHandles: 0, hcaObjects: 0 },
  ]);
});
