import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, test } from "node:test";
import type { PipeOutput } from "../../src/base/launch.ts";
import { Capture } from "../../src/oci/capture.ts";

const bytes = Buffer.from("grün und blau");

/** A stream as a program's output. */
function outputOf(stream: PassThrough): PipeOutput {
  return {
    read: (take) =>
      new Promise((resolve) => {
        stream.on("data", take).once("end", resolve).once("close", resolve).once("error", resolve);
      }),
    close: () => void stream.destroy(),
  };
}

describe("an output that ends", () => {
  for (let split = 0; split <= bytes.length; split += 1) {
    test(`is whole when it comes in two pieces, split at ${split}`, async () => {
      const stream = new PassThrough();
      const capture = new Capture(outputOf(stream), 100);
      stream.write(bytes.subarray(0, split));
      stream.end(bytes.subarray(split));
      assert.deepEqual(await capture.drain(), { text: "grün und blau", truncated: false });
    });
  }

  test("is whole when it comes byte by byte", async () => {
    const stream = new PassThrough();
    const capture = new Capture(outputOf(stream), 100);
    for (const byte of bytes) stream.write(Buffer.of(byte));
    stream.end();
    assert.deepEqual(await capture.drain(), { text: "grün und blau", truncated: false });
  });
});

describe("an output past its limit", () => {
  const rows: [writes: string[], max: number, text: string, truncated: boolean][] = [
    [["abc"], 3, "abc", false],
    [["abc"], 2, "ab", true],
    [["ab", "cd"], 3, "abc", true],
    [["ab", "cd"], 2, "ab", true],
    [["ab", "cd"], 4, "abcd", false],
    [["abc", "", "d"], 0, "", true],
    [[], 0, "", false],
  ];
  for (const [writes, max, text, truncated] of rows) {
    test(`of ${max} is cut there: ${writes.join(" ")}`, async () => {
      const stream = new PassThrough();
      const capture = new Capture(outputOf(stream), max);
      for (const chunk of writes) stream.write(chunk);
      stream.end();
      assert.deepEqual(await capture.drain(), { text, truncated });
    });
  }
});

test("an output that does not end is let go once it is silent", async () => {
  const stream = new PassThrough();
  const capture = new Capture(outputOf(stream), 100);
  stream.write("said");
  assert.deepEqual(await capture.drain(), { text: "said", truncated: false });
  assert.equal(stream.destroyed, true);
});

test("an output that breaks gives what came until then", async () => {
  const stream = new PassThrough();
  const capture = new Capture(outputOf(stream), 100);
  stream.write("half");
  await new Promise((resolve) => setImmediate(resolve));
  stream.destroy(new Error("broken"));
  assert.deepEqual(await capture.drain(), { text: "half", truncated: false });
});

test("no output is an empty one", async () => {
  assert.deepEqual(await new Capture(undefined, 100).drain(), { text: "", truncated: false });
});
