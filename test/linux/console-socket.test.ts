import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { ConsoleSocket } from "../../src/linux/console-socket.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { countOpenFiles, withTempDir } from "../support/files.ts";
import { openPty, sendDescriptors } from "../support/pty.ts";
import { status } from "../support/status.ts";

const { streams } = loadLibc();

describe("a console socket", () => {
  for (const [when, early] of [
    ["before it is asked", true],
    ["while it waits", false],
  ] as const) {
    test(`gives the master that was sent ${when}, and leaves neither descriptor nor file`, () =>
      withTempDir(async (dir) => {
        const before = countOpenFiles();
        const socket = new ConsoleSocket(streams, path.join(dir, "s"));
        const { master, terminal } = openPty();
        const receiving = early ? undefined : socket.receive(10_000);
        sendDescriptors(socket.path, [master]);
        const received = await (receiving ?? socket.receive(10_000));
        fs.closeSync(master);
        socket.close();
        socket.close();
        fs.writeSync(terminal, "hello");
        assert.equal(fs.readSync(received, Buffer.alloc(16)), 5);
        fs.closeSync(received);
        fs.closeSync(terminal);
        assert.deepEqual(fs.readdirSync(dir), []);
        assert.equal(countOpenFiles(), before);
      }));
  }

  test("gives up at its limit, naming itself", () =>
    withTempDir(async (dir) => {
      const socket = new ConsoleSocket(streams, path.join(dir, "s"));
      await assert.rejects(socket.receive(1), status(StatusCode.deadlineExceeded, /the terminal for \S+\/s/));
      socket.close();
    }));

  test("refuses a runtime that sends something else", () =>
    withTempDir(async (dir) => {
      const socket = new ConsoleSocket(streams, path.join(dir, "s"));
      sendDescriptors(socket.path, []);
      await assert.rejects(socket.receive(10_000), status(StatusCode.unavailable, /sent none/));
      socket.close();
    }));
});
