import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { LOG_LEVELS } from "../../src/base/logger.ts";
import { StatusCode, StatusError } from "../../src/base/status.ts";
import { openLog } from "../../src/shim/log.ts";
import { makeFifo } from "../support/files.ts";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-log-"));
after(() => fs.rmSync(dir, { recursive: true }));
let count = 0;

/** A fifo, as the daemon makes it in a bundle. */
function fifo(): string {
  count += 1;
  const file = path.join(dir, `log-${count}`);
  makeFifo(file);
  return file;
}

/** All that is in a fifo now, read as the daemon reads it. */
function drain(file: string): string {
  const fd = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
  const chunks: Buffer[] = [];
  const chunk = Buffer.alloc(1 << 16);
  try {
    for (;;) chunks.push(Buffer.from(chunk.subarray(0, fs.readSync(fd, chunk))));
  } catch (err) {
    assert.equal((err as NodeJS.ErrnoException).code, "EAGAIN");
  } finally {
    fs.closeSync(fd);
  }
  return Buffer.concat(chunks).toString();
}

/** The lines, without the time, which has to be one. */
function parse(text: string): Record<string, unknown>[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const { time, ...rest } = JSON.parse(line);
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    return rest;
  });
}

describe("a log line", () => {
  test("is JSON with level, time and msg, and the names that OpenTelemetry has for what it is about", () => {
    const file = fifo();
    const { logger: log } = openLog(file, "info", { namespace: "n", shim: "s" });
    log.child({ id: "c", execId: "e" }).warn("something", { pid: 7, score: "1" });
    assert.deepEqual(parse(drain(file)), [
      {
        level: "warn",
        "containerd.namespace": "n",
        "containerd.shim.id": "s",
        "container.id": "c",
        "containerd.exec.id": "e",
        "process.pid": 7,
        score: "1",
        msg: "something",
      },
    ]);
  });

  test("has each field once, the last word counting", () => {
    const file = fifo();
    openLog(file, "info", { id: "outer" }).logger.child({ id: "child" }).info("m", { id: "line" });
    const text = drain(file);
    assert.equal(text.split("container.id").length, 2);
    assert.equal(parse(text)[0]?.["container.id"], "line");
  });

  test("tells a foreseen error by its message, and of any other the place as well", () => {
    const file = fifo();
    const { logger: log } = openLog(file, "info", {});
    log.error("m", { err: new StatusError(StatusCode.notFound, "no such thing") });
    log.error("m", { err: new TypeError("x is not a function") });
    log.error("m", { err: StatusError.from(new TypeError("x is not a function")) });
    log.error("m", { err: "a word" });
    const lines = parse(drain(file));
    const field = (name: string) => lines.map((line) => line[`exception.${name}`]);
    assert.deepEqual(field("type"), ["StatusError", "TypeError", "StatusError", undefined]);
    assert.deepEqual(field("message").slice(0, 1), ["no such thing"]);
    assert.deepEqual(field("message").slice(3), ["a word"]);
    const places = field("stacktrace").map((stack) => String(stack).includes("log.test.ts"));
    assert.deepEqual(places, [false, true, true, false]);
  });

  for (const [index, level] of LOG_LEVELS.entries()) {
    test(`is written from the level ${level} on where that is asked for`, () => {
      const file = fifo();
      const { logger: log } = openLog(file, level, {});
      for (const name of LOG_LEVELS) log[name](name);
      const levels = parse(drain(file)).map((line) => line.level);
      assert.deepEqual(levels, LOG_LEVELS.slice(index));
    });
  }
});

describe("a log", () => {
  test("takes 10,000 lines that nobody reads, and tells of those that were lost", () => {
    const file = fifo();
    const stalled = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
    const { logger: log } = openLog(file, "info", {});
    for (let line = 0; line < 10_000; line += 1) log.info("a line", { line });
    const before = drain(file);
    log.info("the reader is back");
    const text = before + drain(file);
    fs.closeSync(stalled);
    const lines = parse(text);
    const dropped = lines.map((line) => line.dropped).find((number) => number !== undefined);
    const told = lines.filter((line) => line.msg === "a line").length;
    assert.equal(Number(dropped) + told, 10_000);
    assert.equal(lines.at(-1)?.msg, "the reader is back");
  });

  test("waits for a reader that was away: what fits into the pipe is there when it comes back", () => {
    const file = fifo();
    const first = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
    const { logger: log } = openLog(file, "info", {});
    log.info("before");
    assert.equal(parse(drain(file)).length, 1);
    fs.closeSync(first);
    for (const line of [1, 2, 3]) log.info("meanwhile", { line });
    assert.deepEqual(
      parse(drain(file)).map(({ line }) => line),
      [1, 2, 3],
    );
  });

  test("is none where there is no file for it", () => {
    const file = path.join(dir, "missing");
    openLog(file, "debug", {}).logger.error("nobody hears");
    assert.equal(fs.existsSync(file), false);
  });
});
