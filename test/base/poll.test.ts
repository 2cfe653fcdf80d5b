import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { waitUntilNot } from "../../src/base/poll.ts";

describe("what is looked at until it is no longer so", () => {
  test("is found so at once, or a moment later", async () => {
    assert.equal(await waitUntilNot(() => false, 0), true);
    let looks = 0;
    assert.equal(
      await waitUntilNot(async () => {
        looks += 1;
        return looks < 5;
      }, 60_000),
      true,
    );
    assert.equal(looks, 5);
  });

  test("is given up at the limit, before which it was looked at ever more seldom", async () => {
    let looks = 0;
    const isSo = () => {
      looks += 1;
      return true;
    };
    assert.equal(await waitUntilNot(isSo, 1_000), false);
    assert.ok(looks > 1 && looks < 60, `${looks} looks`);
    assert.equal(await waitUntilNot(isSo, -1), false);
  });
});
