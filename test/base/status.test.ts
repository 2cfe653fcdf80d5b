import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode, StatusCode, StatusError, statusCodeName } from "../../src/base/status.ts";

describe("StatusError.from", () => {
  test("passes a StatusError unchanged", () => {
    const err = new StatusError(StatusCode.notFound, "container a does not exist");
    assert.equal(StatusError.from(err), err);
  });

  const abort = new Error("stopped");
  abort.name = "AbortError";
  const rows: [string, unknown, number, string][] = [
    ["an ordinary error becomes internal", new Error("boom"), StatusCode.internal, "boom"],
    ["an abort becomes cancelled", abort, StatusCode.cancelled, "stopped"],
    ["a thrown string becomes internal", "odd", StatusCode.internal, "odd"],
    ["a thrown undefined becomes internal", undefined, StatusCode.internal, "undefined"],
  ];
  for (const [title, thrown, code, message] of rows) {
    test(title, () => {
      const err = StatusError.from(thrown);
      assert.equal(err.code, code);
      assert.equal(err.message, message);
      assert.equal(err.cause, thrown);
    });
  }
});

test("hasCode tells this code from another and from foreign errors", () => {
  const err = new StatusError(StatusCode.notFound, "no such thing");
  assert.equal(hasCode(err, StatusCode.notFound), true);
  assert.equal(hasCode(err, StatusCode.internal), false);
  assert.equal(hasCode(new Error("no such thing"), StatusCode.notFound), false);
});

test("codes have names a person reads", () => {
  assert.equal(statusCodeName(StatusCode.failedPrecondition), "failed precondition");
  assert.equal(statusCodeName(99), "code 99");
});
