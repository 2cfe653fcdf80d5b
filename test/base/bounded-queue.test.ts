import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BoundedQueue } from "../../src/base/bounded-queue.ts";

async function drain<T>(queue: BoundedQueue<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of queue) items.push(item);
  return items;
}

describe("BoundedQueue", () => {
  test("gives items in the order they came, then ends", async () => {
    const queue = new BoundedQueue<number>(3);
    for (const item of [1, 2, 3]) assert.equal(queue.offer(item), true);
    queue.end();
    assert.deepEqual(await drain(queue), [1, 2, 3]);
    assert.deepEqual(await queue.next(), { done: true, value: undefined });
  });

  test("takes no more than its capacity without waiting", () => {
    const queue = new BoundedQueue<number>(2);
    assert.deepEqual(
      [1, 2, 3].map((item) => queue.offer(item)),
      [true, true, false],
    );
    assert.equal(queue.size, 2);
  });

  test("push waits for room and goes on when an item is read", async () => {
    const queue = new BoundedQueue<number>(1);
    await queue.push(1);
    const order: string[] = [];
    const second = queue.push(2).then(() => order.push("pushed"));
    await Promise.resolve();
    order.push("read");
    assert.deepEqual(await queue.next(), { done: false, value: 1 });
    await second;
    assert.deepEqual(order, ["read", "pushed"]);
    assert.deepEqual(await queue.next(), { done: false, value: 2 });
  });

  test("hands an item straight to a waiting reader", async () => {
    const queue = new BoundedQueue<string>(1);
    const reading = queue.next();
    assert.equal(queue.offer("a"), true);
    assert.equal(queue.size, 0);
    assert.deepEqual(await reading, { done: false, value: "a" });
  });

  test("a failure drops what is left and reaches waiting and later readers", async () => {
    const queue = new BoundedQueue<number>(2);
    const waiting = queue.next();
    queue.fail(new Error("closed"));
    await assert.rejects(waiting, /closed/);
    await assert.rejects(queue.next(), /closed/);
    const full = new BoundedQueue<number>(2);
    full.offer(1);
    full.fail(new Error("closed"));
    await assert.rejects(full.next(), /closed/);
  });

  test("the first ending wins", async () => {
    const queue = new BoundedQueue<number>(1);
    queue.end();
    queue.fail(new Error("late"));
    assert.deepEqual(await queue.next(), { done: true, value: undefined });
  });

  test("a writer that waits is told when the queue ends", async () => {
    const queue = new BoundedQueue<number>(1);
    await queue.push(1);
    const waiting = queue.push(2);
    queue.end();
    assert.equal(await waiting, false);
    assert.equal(await queue.push(3), false);
  });

  test("refuses a capacity that could hold nothing", () => {
    assert.throws(() => new BoundedQueue(0), RangeError);
    assert.throws(() => new BoundedQueue(Number.NaN), RangeError);
  });
});
