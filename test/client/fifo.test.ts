import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync, constants, openSync, readSync, statSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { type FifoReader, makeFifos, openFifoReader, openFifoWriter } from "../../src/client/fifo.ts";
import { openFiles, scratchDir } from "./support.ts";

const dir = scratchDir();
let made = 0;

async function fifo(): Promise<string> {
  made += 1;
  const file = path.join(dir, `fifo${made}`);
  await makeFifos([file]);
  return file;
}

async function readAll(reader: FifoReader): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of reader) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function readable(fd: number): boolean {
  try {
    return readSync(fd, Buffer.alloc(10)) > 0;
  } catch {
    return false;
  }
}

async function sleepUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

function shell(text: string) {
  return spawn("/bin/sh", ["-c", text], { stdio: "ignore" });
}

describe("a named pipe", () => {
  test("is its owner's alone", async () => {
    const stats = statSync(await fifo());
    assert.ok(stats.isFIFO());
    assert.equal(stats.mode & 0o777, 0o600);
  });

  test("that exists already is an error that names it", async () => {
    const file = await fifo();
    await assert.rejects(makeFifos([file]), (error: Error) => error.message.includes(file));
  });

  test("needs nothing when none is to be made", async () => {
    await makeFifos([]);
  });
});

describe("reading a named pipe", () => {
  test("waits for the first writer and ends after the last", async () => {
    const file = await fifo();
    const reader = openFifoReader(file);
    const text = readAll(reader);
    shell(`exec >${file}; echo one; sleep 0.1; echo two`);
    assert.equal((await text).toString(), "one\ntwo\n");
    await sleepUntil(() => openFiles(file).length === 0);
  });

  test("brings every byte of much", async () => {
    const file = await fifo();
    const reader = openFifoReader(file);
    shell(`head -c 3000000 /dev/zero >${file}`);
    assert.equal((await readAll(reader)).length, 3_000_000);
  });

  test("ends by a close before any writer came", async () => {
    const file = await fifo();
    const reader = openFifoReader(file);
    const text = readAll(reader);
    reader.close();
    assert.equal((await text).length, 0);
    await sleepUntil(() => openFiles(file).length === 0);
  });

  test("ends by a close while a writer is there", async () => {
    const file = await fifo();
    const reader = openFifoReader(file);
    const writer = shell(`exec >${file}; echo one; exec sleep 60`);
    let seen = "";
    for await (const chunk of reader) {
      seen += Buffer.from(chunk).toString();
      reader.close();
    }
    assert.equal(seen, "one\n");
    writer.kill();
    await sleepUntil(() => openFiles(file).length === 0);
  });
});

describe("writing to a named pipe", () => {
  test("starts when a reader is there, and waits for room", async () => {
    const file = await fifo();
    const opening = openFifoWriter(file, new AbortController().signal);
    const reader = openFifoReader(file);
    const writer = await opening;
    const text = readAll(reader);
    await writer.write(Buffer.alloc(500_000, "x"));
    writer.close();
    assert.equal((await text).length, 500_000);
  });

  test("keeps the order of writes that are not waited for", async () => {
    const file = await fifo();
    const reader = openFifoReader(file);
    const writer = await openFifoWriter(file, new AbortController().signal);
    const text = readAll(reader);
    await Promise.all([writer.write(Buffer.alloc(200_000, "a")), writer.write(Buffer.alloc(100_000, "b"))]);
    writer.close();
    assert.match((await text).toString(), /^a{200000}b{100000}$/);
  });

  test("gives up on abort while nobody reads", async () => {
    const controller = new AbortController();
    const opening = openFifoWriter(await fifo(), controller.signal);
    controller.abort(new Error("enough"));
    await assert.rejects(opening, /enough/);
  });

  test("fails with EPIPE once the reader is gone", async () => {
    const file = await fifo();
    const reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = await openFifoWriter(file, new AbortController().signal);
    closeSync(reader);
    await assert.rejects(writer.write(Buffer.from("x")), { code: "EPIPE" });
    writer.close();
  });

  test("a write that waits for room is ended by a close", async () => {
    const file = await fifo();
    const reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = await openFifoWriter(file, new AbortController().signal);
    const writing = writer.write(Buffer.alloc(1_000_000));
    await sleepUntil(() => readable(reader));
    writer.close();
    await assert.rejects(writing, /closed while it was written to/);
    closeSync(reader);
    await sleepUntil(() => openFiles(file).length === 0);
  });
});
