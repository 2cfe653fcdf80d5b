import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Outbox } from "../../src/ttrpc/outbox.ts";

/** An outbox, and how long each write was that it has made. */
function start() {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  const writes: number[] = [];
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    writes.push(chunk.length);
  });
  return { stream, chunks, writes, outbox: new Outbox(stream) };
}

const frame = (length: number) => new Uint8Array(length);

describe("an outbox", () => {
  test("writes the first frame of a turn of the event loop at once, and those that follow together", async () => {
    const { outbox, writes } = start();
    for (const length of [10, 20, 30]) outbox.put(frame(length));
    assert.equal(outbox.bytes, 50);
    await turn();
    assert.deepEqual([writes, outbox.bytes], [[10, 50], 0]);
    outbox.put(frame(5));
    assert.equal(outbox.bytes, 0);
    await turn();
    assert.deepEqual(writes, [10, 50, 5]);
  });

  test("writes with them what follows in promises upon promises", async () => {
    const { outbox, writes } = start();
    const later = async () => {
      for (let i = 0; i < 20; i++) await undefined;
      outbox.put(frame(3));
    };
    queueMicrotask(() => {
      outbox.put(frame(1));
      outbox.put(frame(2));
      void later();
    });
    await turn();
    assert.deepEqual(writes, [1, 5]);
  });

  test("writes before the turn is over when it has gathered enough", async () => {
    const { outbox, writes } = start();
    for (let i = 0; i < 100; i++) outbox.put(frame(1_000));
    assert.ok(outbox.bytes < 70_000, String(outbox.bytes));
    await turn();
    assert.ok(writes.length >= 2 && writes.length <= 20, String(writes));
    assert.equal(
      writes.reduce((sum, length) => sum + length),
      100_000,
    );
  });

  test("keeps the bytes in order, large and small", async () => {
    const { outbox, chunks } = start();
    const lengths = [1, 100_000, 2, 3, 20_000, 4];
    lengths.forEach((length, at) => {
      outbox.put(frame(length).fill(at));
    });
    await turn();
    const expected = Buffer.concat(lengths.map((length, at) => Buffer.alloc(length, at)));
    assert.equal(Buffer.compare(Buffer.concat(chunks), expected), 0);
  });

  test("writes at once when it is told to, and nothing twice", async () => {
    const { outbox, stream, writes } = start();
    for (const length of [6, 7]) outbox.put(frame(length));
    outbox.flush();
    assert.equal(outbox.bytes, 0);
    outbox.flush();
    await turn();
    assert.deepEqual(writes, [6, 7]);
    for (const length of [8, 9]) outbox.put(frame(length));
    stream.destroy();
    await turn();
    assert.equal(outbox.bytes, 9);
  });
});
