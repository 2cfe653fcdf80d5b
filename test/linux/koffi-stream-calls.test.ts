import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { countOpenFiles, withTempDir } from "../support/files.ts";
import { openPty, sendDescriptors } from "../support/pty.ts";
import { status } from "../support/status.ts";

const { O_NONBLOCK } = fs.constants;
const O_CLOEXEC = 0o2000000;
const { streams } = loadLibc();
const flagsOf = (fd: number) =>
  Number.parseInt(/flags:\s*(\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "", 8);
const close = (...fds: (number | undefined)[]) => {
  for (const fd of fds) fs.closeSync(fd ?? -1);
};

describe("a pipe", () => {
  test("carries bytes; its ends block and are closed on exec", () => {
    const { read, write } = streams.pipe();
    fs.writeSync(write, "hello");
    const bytes = Buffer.alloc(8);
    assert.equal(bytes.toString("utf8", 0, fs.readSync(read, bytes)), "hello");
    for (const fd of [read, write]) assert.equal(flagsOf(fd) & (O_NONBLOCK | O_CLOEXEC), O_CLOEXEC);
    close(read, write);
  });

  test("whose end was set not to block keeps its other flags, and its other end blocks on", () => {
    const { read, write } = streams.pipe();
    streams.setNonBlocking(write);
    assert.equal(flagsOf(write), 1 | O_NONBLOCK | O_CLOEXEC);
    assert.equal(flagsOf(read) & O_NONBLOCK, 0);
    close(read, write);
  });

  test("lives as long as one of the duplicates of its end, which are closed on exec too", () => {
    const { read, write } = streams.pipe();
    const duplicate = streams.duplicate(write);
    close(write);
    fs.writeSync(duplicate, "x");
    assert.equal(fs.readSync(read, Buffer.alloc(8)), 1);
    assert.notEqual(flagsOf(duplicate) & O_CLOEXEC, 0);
    close(read, duplicate);
  });

  test("is at its end when all was read and nobody has it open to write", () => {
    const { read, write } = streams.pipe();
    const duplicate = streams.duplicate(write);
    assert.equal(streams.isAtEnd(read), false);
    fs.writeSync(write, "x");
    close(write);
    assert.equal(streams.isAtEnd(read), false);
    fs.readSync(read, Buffer.alloc(1));
    assert.equal(streams.isAtEnd(read), false);
    fs.writeSync(duplicate, "x");
    close(duplicate);
    assert.equal(streams.isAtEnd(read), false);
    fs.readSync(read, Buffer.alloc(1));
    assert.equal(streams.isAtEnd(read), true);
    close(read);
  });
});

describe("a unix socket", () => {
  test("has no connection and nothing to receive until somebody comes, then the descriptor that was sent", () =>
    withTempDir((dir) => {
      const before = countOpenFiles();
      const file = path.join(dir, "s");
      const socket = streams.listenUnix(file);
      assert.equal(streams.accept(socket), undefined);
      const pipe = streams.pipe();
      sendDescriptors(file, [pipe.write]);
      const connection = streams.accept(socket);
      const received = streams.receiveDescriptor(connection ?? -1);
      close(pipe.write);
      fs.writeSync(received ?? -1, "by another name");
      assert.equal(fs.readSync(pipe.read, Buffer.alloc(32)), 15);
      for (const fd of [socket, connection, received]) assert.notEqual(flagsOf(fd ?? -1) & O_CLOEXEC, 0);
      close(socket, connection, received, pipe.read);
      assert.equal(countOpenFiles(), before);
    }));

  test("takes one descriptor of several, and the others are not left open", () =>
    withTempDir((dir) => {
      const file = path.join(dir, "s");
      const socket = streams.listenUnix(file);
      const pipe = streams.pipe();
      sendDescriptors(file, [pipe.write, pipe.read, pipe.read]);
      const connection = streams.accept(socket);
      const before = countOpenFiles();
      const received = streams.receiveDescriptor(connection ?? -1);
      assert.equal(countOpenFiles(), before + 1);
      close(socket, connection, received, pipe.read, pipe.write);
    }));

  test("refuses a peer that sends bytes only", () =>
    withTempDir((dir) => {
      const file = path.join(dir, "s");
      const socket = streams.listenUnix(file);
      sendDescriptors(file, []);
      const connection = streams.accept(socket);
      const call = () => streams.receiveDescriptor(connection ?? -1);
      assert.throws(call, status(StatusCode.unavailable, /the peer sent none/));
      // And one that has gone, which reads as the end.
      assert.throws(call, status(StatusCode.unavailable, /the peer sent none/));
      close(socket, connection);
    }));

  test("at a path that is too long, or taken, is refused, and leaves no descriptor", () =>
    withTempDir((dir) => {
      const before = countOpenFiles();
      const long = path.join(dir, "x".repeat(108 - dir.length - 1));
      assert.throws(() => streams.listenUnix(long), status(StatusCode.invalidArgument, /too long/));
      const longest = long.slice(0, 107);
      close(streams.listenUnix(longest));
      assert.ok(fs.lstatSync(longest).isSocket());
      assert.throws(() => streams.listenUnix(longest), status(StatusCode.unknown, /bind .*EADDRINUSE/));
      assert.equal(countOpenFiles(), before);
    }));
});

describe("a terminal", () => {
  test("has the size that it was given", () => {
    const { master, terminal } = openPty();
    streams.setWindowSize(master, { columns: 123, rows: 45 });
    const { stdout } = spawnSync("stty", ["size"], { stdio: [terminal, "pipe", "inherit"] });
    assert.equal(String(stdout), "45 123\n");
    close(master, terminal);
  });

  test("can be opened by its master, without a path", () => {
    const { master, terminal } = openPty();
    const peer = streams.openPeer(master);
    assert.equal(fs.readlinkSync(`/proc/self/fd/${peer}`), fs.readlinkSync(`/proc/self/fd/${terminal}`));
    assert.notEqual(flagsOf(peer) & O_CLOEXEC, 0);
    close(master, terminal, peer);
  });

  test("is no terminal where it is a file", () => {
    const file = fs.openSync("/dev/null", "r");
    const size = { columns: 1, rows: 1 };
    assert.throws(() => streams.setWindowSize(file, size), /set the size of a terminal to 1x1: ENOTTY/);
    assert.throws(() => streams.openPeer(file), /open the terminal of a master: ENOTTY/);
    close(file);
  });
});
