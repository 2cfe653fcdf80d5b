import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode, StatusError } from "../../src/base/status.ts";
import { abortError, oversizedError, statusFromWire, statusToWire } from "../../src/ttrpc/status.ts";

describe("a status on the wire", () => {
  for (const [name, code] of Object.entries(StatusCode)) {
    if (code === StatusCode.ok) continue;
    test(`carries ${name} there and back`, () => {
      const error = statusFromWire(statusToWire(new StatusError(code, "task x not found")));
      assert.ok(error instanceof StatusError);
      assert.deepEqual([error.code, error.message], [code, "task x not found"]);
    });
  }

  test("carries neither the cause nor the stack", () => {
    const error = new StatusError(StatusCode.internal, "failed", { cause: new Error("secret") });
    assert.deepEqual(statusToWire(error), { code: StatusCode.internal, message: "failed" });
  });

  test("never makes a success of an error", () => {
    assert.equal(statusToWire(new StatusError(StatusCode.ok, "odd")).code, StatusCode.unknown);
  });

  test("has a message of bounded length", () => {
    const { message } = statusToWire(new StatusError(StatusCode.internal, "x".repeat(1 << 20)));
    assert.equal(message?.length, 64 << 10);
  });

  for (const absent of [undefined, null, {}, { code: 0 }, { code: 0, message: "fine" }]) {
    test(`means no error where it is ${JSON.stringify(absent)}`, () => {
      assert.equal(statusFromWire(absent), undefined);
    });
  }

  for (const code of [17, 99, -1, 2 ** 31 - 1]) {
    test(`with the undefined code ${code} is unknown`, () => {
      const error = statusFromWire({ code, message: "odd" });
      assert.deepEqual([error?.code, error?.message], [StatusCode.unknown, "odd"]);
    });
  }

  test("without a message is an error all the same", () => {
    assert.equal(statusFromWire({ code: StatusCode.notFound })?.message, "");
  });

  test("is kept as the cause where it has details", () => {
    const status = { code: 3, message: "no", details: [{ typeUrl: "x", value: new Uint8Array(1) }] };
    assert.equal(statusFromWire(status)?.cause, status);
    assert.equal(statusFromWire({ code: 3, message: "no", details: [] })?.cause, undefined);
  });
});

describe("abortError", () => {
  const own = new StatusError(StatusCode.aborted, "mine");
  const rows: readonly (readonly [string, unknown, StatusCode, RegExp])[] = [
    [
      "an abort without a reason",
      new DOMException("aborted", "AbortError"),
      StatusCode.cancelled,
      /^x was cancelled$/,
    ],
    [
      "a timeout of the platform",
      new DOMException("late", "TimeoutError"),
      StatusCode.deadlineExceeded,
      /^x took/,
    ],
    ["any other reason", "bored", StatusCode.cancelled, /^x was cancelled$/],
    ["a StatusError as the reason", own, StatusCode.aborted, /^mine$/],
  ];
  for (const [title, reason, code, message] of rows) {
    test(`makes of ${title} a StatusError`, () => {
      const error = abortError(reason, "x");
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.equal(error === own || error.cause === reason, true);
    });
  }
});

test("an oversized message is resourceExhausted, with its length and the limit", () => {
  const error = oversizedError(5, 4);
  assert.equal(error.code, StatusCode.resourceExhausted);
  assert.equal(error.message, "message of 5 bytes exceeds the limit of 4 bytes");
});
