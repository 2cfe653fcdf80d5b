import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import type { Duplex } from "node:stream";
import { after, describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { sleep } from "../../src/base/deadline.ts";
import { deferred } from "../../src/base/deferred.ts";
import { nullLogger } from "../../src/base/logger.ts";
import { StatusCode } from "../../src/base/status.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { events } from "../../src/proto/index.ts";
import { bun } from "../../src/shim/bun.ts";
import { IdleSockets } from "../../src/shim/idle-sockets.ts";
import { areAwake, connectTo, settleStreams, streamsTo } from "../../src/shim/socket-stream.ts";
import { ClientConnection, connect, createClient, Server } from "../../src/ttrpc/index.ts";

const openFiles = () => fs.readdirSync("/proc/self/fd").length;
const libc = loadLibc();
const duplicate = (fd: number) => libc.streams.duplicate(fd);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-sockets-"));
after(() => fs.rmSync(dir, { recursive: true }));
let count = 0;

/** Runs something while this process can open so many more files. */
async function withRoomFor(free: number, run: () => void): Promise<void> {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(fs.readFileSync("/proc/self/limits", "utf8")) ?? [];
  const limit = (count: string) =>
    spawnSync("prlimit", ["--pid", String(process.pid), `--nofile=${count}:`], { stdio: "inherit" });
  // Without gaps below the last, and with enough of them to start a program.
  const taken = Array.from({ length: 40 }, () => fs.openSync("/dev/null", "r"));
  limit(String(Math.max(...taken) + 1));
  try {
    // What earlier tests have closed may have gone only now.
    assert.throws(() => {
      for (;;) taken.push(fs.openSync("/dev/null", "r"));
    });
    for (const fd of taken.splice(0, free)) fs.closeSync(fd);
    run();
  } finally {
    for (const fd of taken) fs.closeSync(fd);
    limit(soft ?? "1024");
  }
}

function newSocket(): string {
  count += 1;
  return path.join(dir, `s${count}`);
}

/** Listens on a new socket, for the stream of who connects. */
function acceptOne() {
  const socket = newSocket();
  const accepted = deferred<Duplex>();
  const listener = bun.listen({ unix: socket, socket: streamsTo((stream) => accepted.resolve(stream)) });
  return { socket, accepted: accepted.promise, listener };
}

/** Serves events on a new socket; says how many bytes each brought. */
function serveEvents() {
  const socket = newSocket();
  const sizes: number[] = [];
  const server = new Server();
  server.register(events, {
    forward: async ({ envelope }) => {
      sizes.push(envelope?.event?.value?.length ?? 0);
      return {};
    },
  });
  const listener = bun.listen({ unix: socket, socket: streamsTo((stream) => server.accept(stream)) });
  return { socket, sizes, server, listener };
}

const request = (bytes: number) => ({ envelope: { event: { typeUrl: "t", value: Buffer.alloc(bytes, 7) } } });

/** What is done once the connections of a test stand. */
const WAYS = [
  { of: "the runtime's own socket", settle: () => {} },
  { of: "a settled socket", settle: () => settleStreams(duplicate) },
] as const;

for (const { of, settle } of WAYS) {
  describe(`a ttrpc connection over ${of}`, () => {
    test("carries calls of every size, many at a time, to such a server as to one over node's", async () => {
      const { socket, sizes, server, listener } = serveEvents();
      const ours = new ClientConnection(await connectTo(socket));
      for (const connection of [ours, await connect(socket)]) {
        const client = createClient(events, connection);
        await client.forward(request(1));
        settle();
        const wanted = [0, 1, 4_000_000, 65_536, 3_000_000, 12];
        sizes.length = 0;
        await Promise.all(wanted.map((bytes) => client.forward(request(bytes))));
        assert.deepEqual(
          sizes.toSorted((a, b) => a - b),
          wanted.toSorted((a, b) => a - b),
        );
      }
      listener.stop();
      await server.shutdown();
      assert.match((await ours.closed).message, /^connection closed/);
    });

    test("ends for both when the server closes it, and for the server when the client does", async () => {
      const { socket, server, listener } = serveEvents();
      const [first, second] = [0, 1].map(async () => new ClientConnection(await connectTo(socket)));
      const closing = await first;
      for (const made of [closing, await second])
        await createClient(events, made as ClientConnection).forward(request(1));
      settle();
      closing?.close();
      while (server.connections > 1) await new Promise((resolve) => setTimeout(resolve, 1));
      await server.close();
      assert.equal((await (await second)?.closed)?.code, StatusCode.unavailable);
      assert.equal(server.connections, 0);
      listener.stop();
    });

    test("ends where the other side has gone while it reads nothing, at the next write", async () => {
      const { socket, accepted, listener } = acceptOne();
      const other = await connectTo(socket);
      const stream = await accepted;
      const ended = new Promise<void>((resolve) => {
        for (const event of ["close", "error"]) stream.on(event, () => resolve());
      });
      stream.pause();
      settle();
      other.destroy();
      for (let gone = false; !gone; ) {
        stream.write(Buffer.alloc(100_000));
        gone = await Promise.race([ended.then(() => true), sleep(1).then(() => false)]);
      }
      stream.destroy();
      listener.stop();
    });

    test("holds what a slow reader has not taken, and loses none of it", async () => {
      const { socket, accepted, listener } = acceptOne();
      const reader = net.connect(socket);
      const stream = await accepted;
      settle();
      const pieces = Array.from({ length: 40 }, (_, at) => Buffer.alloc(50_000, at));
      for (const piece of pieces) stream.write(piece);
      assert.ok(stream.writableNeedDrain);
      const drained = new Promise<void>((resolve) => stream.on("drain", () => resolve()));
      await sleep(300);
      const chunks: Buffer[] = [];
      reader.on("data", (chunk) => chunks.push(chunk));
      await drained;
      stream.end(() => {});
      await new Promise<void>((resolve) => reader.on("end", () => resolve()));
      assert.ok(Buffer.concat(chunks).equals(Buffer.concat(pieces)));
      listener.stop();
    });

    test("gives all that was sent, in pieces that stay as they are", async () => {
      const { socket, accepted, listener } = acceptOne();
      const other = net.connect(socket);
      const stream = await accepted;
      const chunks: Uint8Array[] = [];
      stream.on("data", (chunk) => chunks.push(chunk));
      const ended = new Promise<void>((resolve) => stream.on("end", () => resolve()));
      settle();
      const sent = randomBytes(5 << 20);
      other.end(sent);
      await ended;
      assert.ok(Buffer.concat(chunks).equals(sent));
      listener.stop();
    });

    test("gives what comes while it is paused after that", async () => {
      const { socket, accepted, listener } = acceptOne();
      const other = net.connect(socket);
      const stream = await accepted;
      let got = "";
      stream.on("data", (chunk) => {
        got += Buffer.from(chunk).toString();
      });
      const ended = new Promise<void>((resolve) => stream.on("end", () => resolve()));
      stream.pause();
      settle();
      other.end("said");
      await sleep(50);
      assert.equal(got, "");
      stream.resume();
      await ended;
      assert.equal(got, "said");
      listener.stop();
    });
  });
}

describe("connections of an idle process", () => {
  test("are settled once calls have been quiet, but those that have to write yet, which are later", async () => {
    const { socket, server, listener } = serveEvents();
    const connection = new ClientConnection(await connectTo(socket));
    await createClient(events, connection).forward(request(1));
    assert.ok(areAwake());
    const sockets = new IdleSockets(duplicate, nullLogger, 5);
    sockets.ended();
    await until("no connection that keeps the process awake", () => !areAwake() || undefined);
    const before = openFiles();
    await createClient(events, connection).forward(request(3));
    connection.close();
    listener.stop();
    await server.shutdown();
    await until("none of their descriptors", () => openFiles() < before || undefined);
    sockets.stop();
  });

  test("are settled without a call, and later where they had to write at first", async () => {
    const { socket, accepted, listener } = acceptOne();
    const sockets = new IdleSockets(duplicate, nullLogger, 5);
    const reader = net.connect(socket).pause();
    const stream = await accepted;
    stream.write(new Uint8Array(2 << 20));
    await sleep(100);
    assert.ok(areAwake());
    reader.resume();
    await until("no connection that keeps the process awake", () => !areAwake() || undefined);
    sockets.stop();
    stream.destroy();
    listener.stop();
  });

  for (const free of [0, 1]) {
    test(`go on as they were where there is room for ${free} descriptors, and leave none behind`, async () => {
      const { socket, server, listener } = serveEvents();
      const connection = new ClientConnection(await connectTo(socket));
      await createClient(events, connection).forward(request(1));
      // The runtime keeps something of the first program that it starts.
      spawnSync("true");
      const before = openFiles();
      await withRoomFor(free, () =>
        assert.throws(() => settleStreams(duplicate), /EMFILE|too many open files/i),
      );
      assert.ok(areAwake());
      // What an earlier test has closed may go only now.
      await until("no descriptor more", () => openFiles() <= before || undefined);
      await createClient(events, connection).forward(request(1));
      connection.close();
      listener.stop();
      await server.shutdown();
    });
  }

  test("go on as they were where that fails, which the log says", async () => {
    const { socket, server, listener } = serveEvents();
    const connection = new ClientConnection(await connectTo(socket));
    await createClient(events, connection).forward(request(1));
    const warned = deferred<string>();
    const full = () => {
      throw new Error("EMFILE");
    };
    const sockets = new IdleSockets(
      full,
      { ...nullLogger, warn: (message: string) => warned.resolve(message) },
      5,
    );
    sockets.ended();
    assert.match(await warned.promise, /could not be settled/);
    await createClient(events, connection).forward(request(3));
    sockets.stop();
    connection.close();
    listener.stop();
    await server.shutdown();
  });
});

describe("a connection to a unix socket", () => {
  test("is refused where nobody listens, and where there is no such path", async () => {
    const { socket, listener } = serveEvents();
    listener.stop();
    for (const nowhere of [socket, path.join(dir, "none"), "\0ebb-nobody"]) {
      await assert.rejects(connectTo(nowhere), { code: StatusCode.unavailable });
    }
  });
});
