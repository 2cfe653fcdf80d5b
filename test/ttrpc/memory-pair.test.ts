import assert from "node:assert/strict";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { describe, test } from "node:test";
import { memoryPair } from "../../src/ttrpc/index.ts";
import { settle } from "./echo-service.ts";

describe("memoryPair", () => {
  test("carries bytes both ways, in order", async () => {
    const [left, right] = memoryPair();
    left.write("a");
    left.write("b");
    right.write("c");
    left.end();
    const read = async (end: Readable) => {
      const chunks: Buffer[] = [];
      for await (const chunk of end) chunks.push(chunk);
      return String(Buffer.concat(chunks));
    };
    assert.deepEqual(await Promise.all([read(right), read(left)]), ["ab", "c"]);
  });

  test("holds a writer back while the other end does not read", async () => {
    const [left, right] = memoryPair();
    const chunk = Buffer.alloc(1 << 16);
    let written = 0;
    while (left.write(chunk)) written++;
    await settle();
    assert.ok(written * chunk.length < 1 << 20);
    assert.equal(left.writableNeedDrain, true);
    right.resume();
    await once(left, "drain");
    assert.equal(left.writableNeedDrain, false);
  });

  test("the end of one side is the end of both", async () => {
    const [left, right] = memoryPair();
    right.resume();
    left.resume();
    const closed = [once(left, "close"), once(right, "close")];
    left.end();
    await Promise.all(closed);
  });

  test("destroying one end ends the other", async () => {
    const [left, right] = memoryPair();
    right.resume();
    left.destroy();
    await once(right, "close");
    assert.equal(right.destroyed, true);
  });

  test("destroying one end ends the other also while that has something to write", async () => {
    const [left, right] = memoryPair();
    left.on("error", () => {});
    while (left.write(Buffer.alloc(1 << 16)));
    await settle();
    right.destroy();
    left.resume();
    await once(left, "close");
  });

  test("destroying one end with an error does not throw at the other", async () => {
    const [left, right] = memoryPair();
    const failed = once(left, "error");
    left.destroy(new Error("broken"));
    right.resume();
    await once(right, "close");
    assert.match(String((await failed)[0]), /broken/);
  });

  test("a write to an end that is gone fails with EPIPE", async () => {
    const [left, right] = memoryPair();
    right.destroy();
    const failed = once(left, "error");
    left.write("late");
    assert.equal((await failed)[0].code, "EPIPE");
  });
});
