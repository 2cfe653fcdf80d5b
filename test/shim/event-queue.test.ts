import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { nullLogger } from "../../src/base/logger.ts";
import { StatusCode, StatusError } from "../../src/base/status.ts";
import { EventQueue, type QueuedEvent } from "../../src/shim/event-queue.ts";

interface Numbered extends QueuedEvent {
  readonly n: number;
}

const event = (n: number, topic = "/tasks/start"): Numbered => ({ topic, n });

function queueOf(send: (event: Numbered) => Promise<void>, capacity = 100): EventQueue<Numbered> {
  return new EventQueue({ send, logger: nullLogger, capacity });
}

/** Resolves after so many turns of the queue of microtasks. */
async function later(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
}

describe("EventQueue", () => {
  test("sends one at a time, in the order they were published", async () => {
    const sent: number[] = [];
    let underWay = 0;
    const queue = queueOf(async ({ n }) => {
      underWay += 1;
      assert.equal(underWay, 1);
      await Promise.resolve();
      sent.push(n);
      underWay -= 1;
    });
    for (let n = 0; n < 50; n += 1) queue.publish(event(n));
    await queue.flushed();
    assert.deepEqual(
      sent,
      Array.from({ length: 50 }, (_, n) => n),
    );
  });

  test("lets who has published give an answer first", async () => {
    const order: string[] = [];
    const queue = queueOf(async () => void order.push("event"));
    queue.publish(event(1));
    process.nextTick(() => order.push("answer"));
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    await queue.flushed();
    assert.deepEqual(order, ["answer", "event"]);
  });

  test("sends what is published at whatever moment after the one before was taken", async () => {
    for (let turns = 0; turns < 12; turns += 1) {
      const sent: number[] = [];
      let taken = Promise.resolve();
      const queue = queueOf(async ({ n }) => {
        sent.push(n);
        if (n === 1) taken = later(turns).then(() => queue.publish(event(2)));
      });
      queue.publish(event(1));
      await queue.flushed();
      await taken;
      await queue.flushed();
      assert.deepEqual(sent, [1, 2], `${turns} turns after`);
    }
  });

  test("sends an event again until the daemon takes it, and those behind it afterwards", async () => {
    const attempts: number[] = [];
    let away = 2;
    const queue = queueOf(async ({ n }) => {
      attempts.push(n);
      if (away-- > 0) throw new StatusError(StatusCode.unavailable, "connection closed");
    });
    queue.publish(event(1));
    queue.publish(event(2));
    await queue.flushed();
    assert.deepEqual(attempts, [1, 1, 1, 2]);
  });

  test("gives up an event that the daemon refuses for good", async () => {
    const sent: number[] = [];
    const queue = queueOf(async ({ n }) => {
      if (n === 1) throw new StatusError(StatusCode.invalidArgument, "bad topic");
      sent.push(n);
    });
    queue.publish(event(1));
    queue.publish(event(2));
    await queue.flushed();
    assert.deepEqual(sent, [2]);
  });

  test("a full queue gives up the oldest that waits, but no exit and no delete", async () => {
    const gate = deferred();
    const sent: number[] = [];
    const queue = queueOf(async ({ n }) => {
      await gate.promise;
      sent.push(n);
    }, 3);
    queue.publish(event(0));
    queue.publish(event(1, "/tasks/exit"));
    queue.publish(event(2));
    queue.publish(event(3, "/tasks/delete"));
    gate.resolve();
    await queue.flushed();
    assert.deepEqual(sent, [0, 1, 3]);
  });

  test("close ends the pauses between attempts and says what is left", async () => {
    const tried = deferred();
    const queue = queueOf(async () => {
      tried.resolve();
      throw new StatusError(StatusCode.unavailable, "no daemon");
    });
    queue.publish(event(1));
    queue.publish(event(2));
    await tried.promise;
    assert.equal(queue.close(), 2);
    await queue.flushed();
  });
});
