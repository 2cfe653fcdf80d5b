import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { openInputFifo, openOutputFifo } from "../../src/linux/fifo.ts";

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = fs.constants;
let dir = "";
/** How many descriptors of this process are of a file. */
const openOf = (file: string) => fs.readdirSync("/proc/self/fd").filter((fd) => targetOf(fd) === file).length;
const flagsOf = (fd: number) =>
  Number.parseInt(/flags:\s*(\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "", 8);

function fifo(name: string): string {
  const file = path.join(dir, name);
  spawnSync("mkfifo", [file]);
  return file;
}

before(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-fifo-"));
});
after(() => fs.rmSync(dir, { recursive: true }));

describe("a fifo to write to", () => {
  test("opens without a reader; what is written waits for one that comes later", () => {
    const file = fifo("late");
    const { keep, child } = openOutputFifo(file);
    fs.writeSync(child, "hello");
    const reader = fs.openSync(file, O_RDONLY | O_NONBLOCK);
    const bytes = Buffer.alloc(16);
    assert.equal(bytes.toString("utf8", 0, fs.readSync(reader, bytes)), "hello");
    for (const fd of [keep, child, reader]) fs.closeSync(fd);
  });

  test("meets no broken pipe when its reader goes away", () => {
    const file = fifo("leaving");
    const { keep, child } = openOutputFifo(file);
    const reader = fs.openSync(file, O_RDONLY | O_NONBLOCK);
    fs.writeSync(child, "a");
    fs.closeSync(reader);
    assert.equal(fs.writeSync(child, "b"), 1);
    for (const fd of [keep, child]) fs.closeSync(fd);
  });

  test("has a child's end that blocks and an own end that does not, both closed on exec", () => {
    const { keep, child } = openOutputFifo(fifo("flags"));
    assert.equal(flagsOf(child) & O_NONBLOCK, 0);
    assert.notEqual(flagsOf(keep) & O_NONBLOCK, 0);
    const O_CLOEXEC = 0o2000000;
    for (const fd of [keep, child]) {
      assert.notEqual(flagsOf(fd) & O_CLOEXEC, 0);
      fs.closeSync(fd);
    }
  });

  test("lets a reader see the end once the child's end is closed", () => {
    const file = fifo("end");
    const { keep, child } = openOutputFifo(file);
    const reader = fs.openSync(file, O_RDONLY | O_NONBLOCK);
    fs.closeSync(child);
    assert.equal(fs.readSync(reader, Buffer.alloc(1)), 0);
    for (const fd of [keep, reader]) fs.closeSync(fd);
  });
});

describe("a fifo to read from", () => {
  test("opens without a writer and does not end before the kept end is closed", () => {
    const file = fifo("input");
    const { keep, child } = openInputFifo(file);
    const writer = fs.openSync(file, O_WRONLY | O_NONBLOCK);
    fs.writeSync(writer, "in");
    fs.closeSync(writer);
    const bytes = Buffer.alloc(16);
    assert.equal(bytes.toString("utf8", 0, fs.readSync(child, bytes)), "in");
    fs.closeSync(keep);
    assert.equal(fs.readSync(child, bytes), 0);
    fs.closeSync(child);
  });
});

describe("what is no fifo is refused, naming it, and leaves no descriptor", () => {
  const rows: [string, () => string, StatusCode, RegExp][] = [
    ["a file", () => plainFile(), StatusCode.invalidArgument, /plain is not a fifo$/],
    ["a device", () => "/dev/null", StatusCode.invalidArgument, /^\/dev\/null is not a fifo$/],
    ["nothing", () => path.join(dir, "nothing"), StatusCode.notFound, /nothing: ENOENT/],
    ["a directory of a file", () => "/etc/passwd/x", StatusCode.invalidArgument, /ENOTDIR/],
  ];
  for (const [title, file, code, message] of rows) {
    for (const open of [openOutputFifo, openInputFifo]) {
      test(`${title} (${open.name})`, () => {
        const before = openOf(file());
        assert.throws(
          () => open(file()),
          (err: Error) => hasCode(err, code) && message.test(err.message),
        );
        assert.equal(openOf(file()), before);
      });
    }
  }
});

function plainFile(): string {
  const file = path.join(dir, "plain");
  fs.writeFileSync(file, "");
  return file;
}

function targetOf(fd: string): string | undefined {
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}
