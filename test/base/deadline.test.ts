import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { command } from "../../lab/command.ts";
import { abortable, deadline, sleep, within } from "../../src/base/deadline.ts";
import { deferred } from "../../src/base/deferred.ts";
import { StatusCode, StatusError } from "../../src/base/status.ts";

const never = () => new Promise<never>(() => {});

describe("deadline", () => {
  test("aborts with a StatusError that names the wait", async () => {
    const { signal, cleanup } = deadline(1, "draining stdout");
    await assert.rejects(abortable(never(), signal), (err: StatusError) => {
      assert.equal(err.code, StatusCode.deadlineExceeded);
      assert.match(err.message, /^draining stdout took longer than 1 ms$/);
      return true;
    });
    cleanup();
  });

  test("aborts with the parent's reason, also when that was aborted before", () => {
    const parent = new AbortController();
    const reason = new Error("connection closed");
    const later = deadline(Infinity, "waiting", parent.signal);
    parent.abort(reason);
    assert.equal(later.signal.reason, reason);
    assert.equal(deadline(Infinity, "waiting", parent.signal).signal.reason, reason);
  });

  test("aborts with the reason of the first of several parents", () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const { signal } = deadline(Infinity, "waiting", one.signal, undefined, other.signal);
    other.abort(new Error("the other"));
    one.abort(new Error("the one"));
    assert.equal(signal.reason.message, "the other");
  });

  test("does not follow the parent after its cleanup", () => {
    const parent = new AbortController();
    const { signal, cleanup } = deadline(Infinity, "waiting", parent.signal);
    cleanup();
    parent.abort();
    assert.equal(signal.aborted, false);
  });

  test("does not fire at once for a time longer than a timer holds", async () => {
    const { signal, cleanup } = deadline(Number.MAX_SAFE_INTEGER, "waiting");
    await sleep(5);
    assert.equal(signal.aborted, false);
    cleanup();
  });
});

describe("within", () => {
  test("passes the result on", async () => {
    assert.equal(await within(Promise.resolve(7), 1_000, "counting"), 7);
  });

  test("passes a rejection on", async () => {
    await assert.rejects(within(Promise.reject(new Error("no")), 1_000, "counting"), /no/);
  });

  test("gives up, and a later rejection of the promise is nobody's problem", async () => {
    const late = deferred();
    await assert.rejects(within(late.promise, 1, "counting"), StatusError);
    late.reject(new Error("too late"));
    await sleep(1);
  });
});

test("sleep ends early with the signal's reason", async () => {
  const controller = new AbortController();
  const sleeping = sleep(60_000, controller.signal);
  controller.abort(new Error("woken"));
  await assert.rejects(sleeping, /woken/);
});

test("any number may wait by one signal without a warning of Node's", async () => {
  const module = new URL("../../dist/lib/base/deadline.js", import.meta.url);
  const script = `
    import { abortable, deadline } from ${JSON.stringify(module.href)};
    const { signal } = new AbortController();
    for (let count = 0; count < 30; count += 1) {
      abortable(new Promise(() => {}), signal);
      deadline(Infinity, "waiting", signal);
    }`;
  const { exitCode, stderr } = await command("node", ["--input-type=module", "--eval", script]);
  assert.deepEqual([exitCode, stderr], [0, ""]);
});
