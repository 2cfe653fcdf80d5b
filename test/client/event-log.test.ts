import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { EventLog } from "../../src/client/event-log.ts";

function filled(capacity: number, ...items: number[]): EventLog<number> {
  const log = new EventLog<number>(capacity);
  for (const item of items) log.add(item);
  return log;
}

async function readAll(log: EventLog<number>): Promise<number[]> {
  const items: number[] = [];
  for await (const item of log) items.push(item);
  return items;
}

describe("an event log", () => {
  test("keeps order, for readers that come late as well", async () => {
    const log = filled(10, 1, 2, 3);
    const early = readAll(log);
    log.add(4);
    log.end();
    assert.deepEqual(await early, [1, 2, 3, 4]);
    assert.deepEqual(await readAll(log), [1, 2, 3, 4]);
  });

  test("keeps no more than its bound, the latest", async () => {
    const log = filled(3, 1, 2, 3, 4, 5);
    log.end();
    assert.deepEqual(log.kept, [3, 4, 5]);
    assert.deepEqual(await readAll(log), [3, 4, 5]);
  });

  test("tells a reader that has fallen behind the bound", async () => {
    const log = filled(2, 1);
    const reader = log[Symbol.asyncIterator]();
    assert.deepEqual(await reader.next(), { done: false, value: 1 });
    for (const item of [2, 3, 4, 5]) log.add(item);
    await assert.rejects(reader.next(), (error: unknown) => hasCode(error, StatusCode.resourceExhausted));
  });

  test("takes nothing after its end", () => {
    const log = filled(3, 1);
    log.end();
    log.add(2);
    assert.deepEqual(log.kept, [1]);
  });

  for (const capacity of [0, -1, Number.NaN]) {
    test(`refuses a bound of ${capacity}`, () => {
      assert.throws(() => new EventLog(capacity), RangeError);
    });
  }
});

describe("waiting for an event", () => {
  test("finds one that is there already, the first that fits", async () => {
    assert.equal(await filled(10, 1, 2, 3, 4).waitFor((item) => item % 2 === 0, 1000), 2);
  });

  test("finds one that comes later", async () => {
    const log = filled(10, 1);
    const found = log.waitFor((item) => item === 3, 10_000);
    log.add(2);
    log.add(3);
    assert.equal(await found, 3);
  });

  test("looks at each event once", async () => {
    const log = filled(10, 1, 2);
    const looked: number[] = [];
    const found = log.waitFor((item) => {
      looked.push(item);
      return item === 4;
    }, 10_000);
    log.add(3);
    await new Promise((resolve) => setImmediate(resolve));
    log.add(4);
    await found;
    assert.deepEqual(looked, [1, 2, 3, 4]);
  });

  test("goes on when events it has not seen are gone", async () => {
    const log = filled(2, 1);
    const found = log.waitFor((item) => item === 9, 10_000);
    for (let item = 2; item <= 9; item += 1) log.add(item);
    assert.equal(await found, 9);
  });

  test("rejects when its time is over, naming what was waited for", async () => {
    await assert.rejects(
      filled(1).waitFor(() => false, 5, "an exit"),
      (error: unknown) => hasCode(error, StatusCode.deadlineExceeded) && /an exit/.test(error.message),
    );
  });

  test("rejects when the log ends", async () => {
    const log = filled(1);
    const found = log.waitFor(() => false, 10_000, "an exit");
    log.end();
    await assert.rejects(found, (error: unknown) => hasCode(error, StatusCode.unavailable));
  });
});
