import assert from "node:assert/strict";
import fs from "node:fs";
import { describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { sleep } from "../../src/base/deadline.ts";
import { errnoOf } from "../../src/base/files.ts";
import { StatusCode } from "../../src/base/status.ts";
import { readDescriptor } from "../../src/linux/descriptor-reader.ts";
import { DescriptorWriter } from "../../src/linux/descriptor-writer.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { countOpenFiles } from "../support/files.ts";
import { openPty } from "../support/pty.ts";
import { status } from "../support/status.ts";

const { streams } = loadLibc();

/** A pipe whose ends do not block. */
function pipe() {
  const ends = streams.pipe();
  streams.setNonBlocking(ends.read);
  streams.setNonBlocking(ends.write);
  return ends;
}

describe("a reader of a descriptor", () => {
  test("gives what comes, waits for more, and ends with the last writer", async () => {
    const { read, write } = pipe();
    const reader = readDescriptor(read);
    const chunks: string[] = [];
    const all = (async () => {
      for await (const chunk of reader) chunks.push(Buffer.from(chunk).toString());
    })();
    fs.writeSync(write, "one");
    await until("the first", () => (chunks.length === 1 ? true : undefined));
    fs.writeSync(write, "two");
    await until("the second", () => (chunks.length === 2 ? true : undefined));
    fs.closeSync(write);
    await all;
    assert.deepEqual(chunks, ["one", "two"]);
    reader.close();
  });

  test("ends where it is closed while it waits, and leaves no descriptor", async () => {
    const before = countOpenFiles();
    const { read, write } = pipe();
    const reader = readDescriptor(read);
    const next = reader[Symbol.asyncIterator]().next();
    reader.close();
    reader.close();
    assert.deepEqual(await next, { done: true, value: undefined });
    fs.closeSync(write);
    await until("the descriptors to be closed", () => (countOpenFiles() <= before ? true : undefined));
  });

  test("of a terminal gives all that was written before its end, which is EIO", async () => {
    const { master, terminal } = openPty();
    streams.setNonBlocking(master);
    const reader = readDescriptor(master);
    fs.writeSync(terminal, "last words");
    fs.closeSync(terminal);
    let text = "";
    const failure = await (async () => {
      for await (const chunk of reader) text += Buffer.from(chunk).toString();
    })().catch(errnoOf);
    assert.deepEqual([text, failure], ["last words", "EIO"]);
    reader.close();
  });

  test("that is to finish ends though there is always more, after far more than could have been there", async () => {
    const { read, write } = pipe();
    const reader = readDescriptor(read);
    fs.writeSync(write, "first");
    reader.finish();
    let bytes = 0;
    for await (const chunk of reader) {
      bytes += chunk.length;
      fs.writeSync(write, new Uint8Array(50_000));
    }
    assert.ok(bytes > 1 << 20, `after ${bytes} bytes`);
    reader.close();
    fs.closeSync(write);
  });

  test("that is to finish gives all that was written before, in its order, though somebody could still write", async () => {
    for (const length of [0, 1, 65_000, 200_000, 900_000]) {
      const { read, write } = pipe();
      const reader = readDescriptor(read);
      const writer = new DescriptorWriter(streams.duplicate(write));
      const data = Buffer.from(Uint32Array.from({ length: length >> 2 }, (_, n) => n).buffer);
      const chunks: Uint8Array[] = [];
      const taking = (async () => {
        for await (const chunk of reader) {
          chunks.push(chunk);
          // So that some is read ahead.
          if (chunks.length % 3 === 0) await sleep(1);
        }
      })();
      await writer.write(data);
      reader.finish();
      await taking;
      assert.ok(Buffer.concat(chunks).equals(data), `${length} bytes`);
      writer.close();
      reader.close();
      fs.closeSync(write);
    }
  });

  test("holds up a writer while nobody takes what was read", async () => {
    const { read, write } = pipe();
    const reader = readDescriptor(read);
    const iterator = reader[Symbol.asyncIterator]();
    fs.writeSync(write, "x");
    await iterator.next();
    const writer = new DescriptorWriter(write);
    let done = false;
    const size = 4 << 20;
    const writing = writer.write(Buffer.alloc(size)).then(() => {
      done = true;
    });
    // Only what the pipe and the reading ahead have room for goes through.
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(done, false);
    let total = 0;
    while (total < size) total += (await iterator.next()).value?.length ?? 0;
    await writing;
    assert.equal(total, size);
    writer.close();
    reader.close();
  });
});

describe("a writer to a descriptor", () => {
  test("is `cancelled` where it is closed while it waits for room, and leaves no descriptor", async () => {
    const before = countOpenFiles();
    const { read, write } = pipe();
    const writer = new DescriptorWriter(write);
    const writing = writer.write(Buffer.alloc(1 << 20));
    writer.close();
    writer.close();
    await assert.rejects(writing, status(StatusCode.cancelled, /closed while/));
    fs.closeSync(read);
    await until("the descriptors to be closed", () => (countOpenFiles() <= before ? true : undefined));
  });

  test("tells what the kernel says", async () => {
    const { read, write } = pipe();
    fs.closeSync(read);
    const writer = new DescriptorWriter(write);
    await assert.rejects(writer.write(Buffer.from("x")), { code: "EPIPE" });
    writer.close();
  });
});
