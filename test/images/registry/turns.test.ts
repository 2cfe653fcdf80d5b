import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deferred } from "../../../src/base/deferred.ts";
import { StatusCode, StatusError } from "../../../src/base/status.ts";
import { firstOf } from "../../../src/images/registry/mirrors.ts";
import { SharedWork } from "../../../src/images/registry/shared-work.ts";
import { Slots } from "../../../src/images/registry/slots.ts";
import { together } from "../../../src/images/registry/together.ts";
import { status } from "../../support/status.ts";
import { never } from "./fake-registry.ts";

const ENOUGH = new StatusError(StatusCode.cancelled, "enough");
const enough = status(StatusCode.cancelled, /^enough$/);

describe("slots", () => {
  test("let so many go on, and the others one by one in the order of coming", async () => {
    const slots = new Slots(2);
    const order: number[] = [];
    const givers = await Promise.all([slots.take(never()), slots.take(never())]);
    const others = [1, 2].map((number) => slots.take(never()).then(() => order.push(number)));
    assert.deepEqual(order, []);
    // Giving one back twice gives back one.
    givers[0]?.();
    givers[0]?.();
    await others[0];
    assert.deepEqual(order, [1]);
    givers[1]?.();
    await others[1];
    assert.deepEqual(order, [1, 2]);
  });

  test("are not lost with those who stop waiting, be it in the moment of their turn", async () => {
    const slots = new Slots(1);
    const giveBack = await slots.take(never());
    const [early, late] = [new AbortController(), new AbortController()];
    const waiting = [slots.take(early.signal), slots.take(late.signal)];
    for (const one of waiting) one.catch(() => {});
    early.abort(ENOUGH);
    await assert.rejects(waiting[0] ?? Promise.resolve(), enough);
    giveBack();
    late.abort(ENOUGH);
    await waiting[1]?.then((give) => give()).catch(() => {});
    (await slots.take(never()))();
    await assert.rejects(slots.take(AbortSignal.abort(ENOUGH)), enough);
  });
});

describe("shared work", () => {
  test("is done once for all who ask meanwhile, and again for who asks later", async () => {
    const work = new SharedWork<number>();
    let count = 0;
    const ask = () => work.do("key", never(), async () => ++count);
    assert.deepEqual(await Promise.all([ask(), ask(), ask()]), [1, 1, 1]);
    assert.equal(await ask(), 2);
  });

  test("shares its error", async () => {
    const work = new SharedWork<number>();
    const fail = () => work.do("key", never(), () => Promise.reject(new Error("broken")));
    for (const one of [fail(), fail()]) await assert.rejects(one, /broken/);
  });

  test("goes on while anybody waits, and is aborted when the last has left", async () => {
    const work = new SharedWork<void>();
    const { promise } = deferred();
    const [first, second] = [new AbortController(), new AbortController()];
    let signal: AbortSignal | undefined;
    const ask = (aborter: AbortController) =>
      work.do("key", aborter.signal, (shared) => {
        signal = shared;
        return promise;
      });
    const asked = [ask(first), ask(second)];
    for (const one of asked) one.catch(() => {});
    first.abort(ENOUGH);
    await assert.rejects(asked[0] ?? promise, enough);
    assert.equal(signal?.aborted, false);
    second.abort(ENOUGH);
    await assert.rejects(asked[1] ?? promise, enough);
    assert.equal(signal?.aborted, true);
    assert.equal(await new SharedWork<number>().do("key", never(), async () => 1), 1);
  });
});

describe("things done together", () => {
  test("fail with the first that fails, once the others, which are aborted, have ended", async () => {
    const ended: string[] = [];
    const waiting = (signal: AbortSignal) =>
      new Promise<void>((_, reject) => {
        signal.addEventListener("abort", () => {
          ended.push("aborted");
          reject(signal.reason);
        });
      });
    const failing = () => Promise.reject(new Error("broken"));
    await assert.rejects(together([waiting, failing, waiting], never()), /broken/);
    assert.deepEqual(ended, ["aborted", "aborted"]);
  });

  test("end with the reason of the signal, and begin not at all when that was before", async () => {
    const aborter = new AbortController();
    const waiting = (signal: AbortSignal) =>
      new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const all = together([waiting, waiting], aborter.signal);
    aborter.abort(ENOUGH);
    await assert.rejects(all, enough);
    let begun = 0;
    const begin = async () => void begun++;
    await assert.rejects(together([begin], aborter.signal), enough);
    assert.equal(begun, 0);
    await together([begin, begin], never());
    assert.equal(begun, 2);
  });
});

describe("the first of several servers", () => {
  const fail = (code: StatusCode, message: string) => () => Promise.reject(new StatusError(code, message));
  const ask = (asks: readonly (() => Promise<string>)[], signal = never()) =>
    firstOf(asks, signal, (one) => one());

  test("that has it is the last that is asked", async () => {
    const answers = [fail(StatusCode.notFound, "a"), async () => "b", fail(StatusCode.internal, "c")];
    assert.equal(await ask(answers), "b");
  });

  test("is none where all fail, which is told of each once, with the code of the last", async () => {
    const answers = [
      fail(StatusCode.unavailable, "a"),
      fail(StatusCode.unavailable, "a"),
      fail(StatusCode.notFound, "b"),
    ];
    await assert.rejects(ask(answers), status(StatusCode.notFound, /^a; b$/));
  });

  test("is not looked for where the disk is full, or nobody wants it any more", async () => {
    const full = [fail(StatusCode.resourceExhausted, "full"), async () => "b"];
    await assert.rejects(ask(full), status(StatusCode.resourceExhausted, /^full$/));
    const broken = [fail(StatusCode.unavailable, "broken"), async () => "b"];
    await assert.rejects(ask(broken, AbortSignal.abort(ENOUGH)), enough);
  });
});
