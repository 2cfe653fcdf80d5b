import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../../src/base/status.ts";
import { decodeOrder, encodeOrder, pidOfReady, readyWith } from "../../../src/shim/standby/order.ts";
import { status } from "../../support/status.ts";

describe("an order", () => {
  test("is one line, and comes out as it went in", () => {
    const order = { args: ["-id", "a", "-namespace", "ü ✓\n"], bundle: "/run/b" };
    assert.equal(encodeOrder(order).includes("\n"), false);
    assert.deepEqual(decodeOrder(encodeOrder(order)), order);
  });

  test("is taken with the pid of the server", () => {
    assert.equal(pidOfReady(readyWith(7)), 7);
    for (const line of [undefined, "", "ready", "ready 0", "ready -1", "ready 1 2", "living"]) {
      assert.equal(pidOfReady(line), undefined);
    }
  });

  for (const text of ["", "garbage", "[]", "null", "{}", '{"args":[1],"bundle":"/"}', '{"args":[]}', "{"]) {
    test(`is not ${JSON.stringify(text)}`, () => {
      assert.throws(() => decodeOrder(text), status(StatusCode.invalidArgument, /the order/));
    });
  }
});
