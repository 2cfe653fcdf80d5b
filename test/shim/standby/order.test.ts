import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../../src/base/status.ts";
import { decodeOrder, encodeOrder, MAX_ORDER_BYTES } from "../../../src/shim/standby/order.ts";
import { status } from "../../support/status.ts";

describe("an order", () => {
  test("comes out as it went in", () => {
    const order = { args: ["-id", "a", "-namespace", "ü ✓"], bundle: "/run/b" };
    assert.deepEqual(decodeOrder(encodeOrder(order) ?? new Uint8Array()), order);
  });

  test("is as long as a pipe takes in one piece, or is none", () => {
    const empty = encodeOrder({ args: [], bundle: "/" })?.length ?? 0;
    const fits = `/${"b".repeat(MAX_ORDER_BYTES - empty)}`;
    assert.equal(encodeOrder({ args: [], bundle: fits })?.length, MAX_ORDER_BYTES);
    assert.equal(encodeOrder({ args: [], bundle: `${fits}b` }), undefined);
  });

  for (const text of ["", "garbage", "[]", "null", "{}", '{"args":[1],"bundle":"/"}', '{"args":[]}', "{"]) {
    test(`is not ${JSON.stringify(text)}`, () => {
      assert.throws(() => decodeOrder(Buffer.from(text)), status(StatusCode.invalidArgument, /the order/));
    });
  }
});
