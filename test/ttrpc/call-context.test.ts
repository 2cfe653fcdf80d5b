import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode, StatusError } from "../../src/base/status.ts";
import { ServerContext } from "../../src/ttrpc/call-context.ts";

const reason = new StatusError(StatusCode.cancelled, "given up");

describe("what a handler is told", () => {
  test("has one signal, however often it is asked for", () => {
    const context = new ServerContext("/test.Echo/Say", {});
    const { signal } = context;
    assert.equal(context.signal, signal);
    assert.equal(signal.aborted, false);
    context.abort(reason);
    assert.deepEqual([signal.aborted, signal.reason], [true, reason]);
  });

  test("has a signal that has aborted where it is asked for afterwards", () => {
    const context = new ServerContext("/test.Echo/Say", {});
    context.abort(reason);
    assert.deepEqual([context.signal.aborted, context.signal.reason], [true, reason]);
  });

  test("has the request's metadata, once", () => {
    const context = new ServerContext("/test.Echo/Say", { metadata: [{ key: "K", value: "v" }] });
    assert.equal(context.metadata.get("k"), "v");
    assert.equal(context.metadata, context.metadata);
  });

  test("has a deadline where the client set a time, and none where it set none", () => {
    const before = Date.now();
    const { deadline = 0 } = new ServerContext("/test.Echo/Say", { timeoutNano: 60e9 });
    assert.ok(deadline >= before + 60_000 && deadline <= Date.now() + 60_000);
    assert.equal(new ServerContext("/test.Echo/Say", {}).deadline, undefined);
  });
});
