import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { until } from "../../lab/until.ts";
import { sleep } from "../../src/base/deadline.ts";
import { deferred } from "../../src/base/deferred.ts";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { connect, createClient, MAX_DATA_LENGTH, Server } from "../../src/ttrpc/index.ts";
import { aborted, collect, echo, echoHandlers, settle } from "./echo-service.ts";
import { request, toBytes } from "./raw-peer.ts";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-ttrpc-"));
after(() => fs.rmSync(dir, { recursive: true, force: true }));
let sockets = 0;
const freshPath = () => path.join(dir, `${sockets++}.sock`);
const abstractName = () => `ebb-ttrpc-test-${process.pid}-${sockets++}`;
const never = () => new Promise<never>(() => {});
const isLost = (err: unknown) =>
  hasCode(err, StatusCode.unavailable) && /^connection closed/.test(err.message);

/** An echo server on a path and a client of it; `end` stops both. */
async function start(handlers: Parameters<typeof register>[1] = {}, socket = freshPath()) {
  const server = register(new Server(), handlers);
  await server.listen({ path: socket });
  const connection = await connect(`unix://${socket}`);
  const end = async () => {
    connection.close();
    await server.close();
  };
  return { server, socket, connection, client: createClient(echo, connection), end };
}

function register(server: Server, handlers: Partial<typeof echoHandlers>): Server {
  return server.register(echo, { ...echoHandlers, ...handlers });
}

function isError(code: StatusCode, ...parts: readonly string[]) {
  return (err: unknown) => {
    assert.ok(hasCode(err, code), String(err));
    for (const part of parts) assert.ok(err.message.includes(part), err.message);
    return true;
  };
}

describe("over a unix socket", () => {
  test("calls of every kind work", async () => {
    const { client, end } = await start();
    assert.equal(await client.say("hello"), "hello");
    assert.deepEqual(await collect(client.split("abc")), ["a", "b", "c"]);
    const join = client.join();
    for (const word of ["a", "b"]) await join.send(word);
    assert.equal(await join.finish(), "a+b");
    const chat = client.chat();
    await chat.send("x");
    await chat.end();
    assert.deepEqual(await collect(chat), ["X"]);
    await end();
  });

  test("messages of every size up to the limit arrive whole, many at once", async () => {
    const { client, end } = await start();
    const sizes = [0, 1, 9, 10, 11, 65_535, 65_536, 1 << 20, MAX_DATA_LENGTH - 64];
    const words = sizes.map((size) => "x".repeat(size));
    assert.deepEqual(await Promise.all(words.map((word) => client.say(word))), words);
    await end();
  });

  test("ten clients at once get their own answers", async () => {
    const { socket, end } = await start();
    const connections = await Promise.all(Array.from({ length: 10 }, () => connect(socket)));
    const answers = connections.flatMap((connection, i) => {
      const client = createClient(echo, connection);
      return Array.from({ length: 50 }, (_, j) => client.say(`${i}/${j}`));
    });
    const words = (await Promise.all(answers)).sort();
    assert.equal(new Set(words).size, 500);
    for (const connection of connections) connection.close();
    await end();
  });

  test("a server that streams is held back by a client that is slow to read", async () => {
    let yielded = 0;
    const { client, end } = await start({
      async *split() {
        for (let i = 0; i < 4_000; i++) {
          yielded++;
          yield "x".repeat(10_000);
        }
      },
    });
    let read = 0;
    for await (const _ of client.split("")) {
      if (++read % 200 === 0) await settle();
      assert.ok(yielded - read < 2_500, `${yielded} were sent when ${read} were read`);
    }
    assert.equal(read, 4_000);
    await end();
  });

  test("a client that leaves in the middle of a call aborts the handler, and the server goes on", async () => {
    const gone = deferred<unknown>();
    const called = deferred();
    const { client, connection, socket, server } = await start({
      say: async (word, context) => {
        if (word === "again") return word;
        called.resolve();
        gone.resolve(await aborted(context));
        return never();
      },
    });
    const call = client.say("x");
    await called.promise;
    connection.close();
    await assert.rejects(call, isLost);
    assert.ok(hasCode(await gone.promise, StatusCode.cancelled));
    const next = await connect(socket);
    assert.equal(await createClient(echo, next).say("again"), "again");
    next.close();
    await server.close();
  });

  test("a client that stops in the middle, its answers unread, does not keep the server from stopping", async () => {
    const joined = deferred<string>();
    const limits = { maxUnreadMessages: 8, writeAheadBytes: 1_000 };
    const server = register(new Server({ limits }), {
      join: () => joined.promise,
      say: async () => "x".repeat(1 << 20),
    });
    const socket = freshPath();
    await server.listen({ path: socket });
    const client = net.connect(socket).on("error", () => {});
    client.pause();
    const calls = [3, 5, 7, 9].map((id) => request(id, "Say"));
    // As many messages as may wait to be read: nothing more is read of this client.
    const messages = Array.from({ length: 8 }, () => ({ streamId: 1, data: "x" }));
    client.write(Buffer.concat([request(1, "Join", { flags: 2 }), ...calls, ...messages].map(toBytes)));
    await until("the calls", () => (server.activeCalls === 1 ? true : undefined));
    client.end();
    await sleep(50);
    const done = server.shutdown();
    joined.resolve("");
    assert.equal(await done, 0);
    assert.equal(server.connections, 0);
    client.destroy();
  });

  test("bytes that are no ttrpc do not disturb the server", async () => {
    const { client, socket, end } = await start();
    const stranger = net.connect(socket);
    stranger.on("error", () => {});
    stranger.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await once(stranger, "connect");
    stranger.resume();
    assert.equal(await client.say("hello"), "hello");
    stranger.end();
    await once(stranger, "close");
    await end();
  });
});

describe("listening on a path", () => {
  test("gives it mode 0600 from the first moment, whatever the umask", async () => {
    const umask = process.umask(0);
    try {
      const server = new Server();
      const socket = freshPath();
      const modes = new Set<number | undefined>();
      let waiting = true;
      const listening = server.listen({ path: socket }).finally(() => (waiting = false));
      while (waiting) {
        modes.add(fs.statSync(socket, { throwIfNoEntry: false })?.mode);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await listening;
      modes.add(fs.statSync(socket).mode).delete(undefined);
      assert.deepEqual([...modes], [fs.constants.S_IFSOCK | 0o600]);
      assert.equal(process.umask(), 0);
      await server.close();
    } finally {
      process.umask(umask);
    }
  });

  test("gives it another mode where that is asked for", async () => {
    const server = new Server();
    const socket = freshPath();
    const listener = await server.listen({ path: socket, mode: 0o660 });
    assert.equal(fs.statSync(socket).mode & 0o777, 0o660);
    assert.equal(listener.address, socket);
    await server.close();
  });

  test("ends with the listener, and its connections go on", async () => {
    const server = register(new Server(), {});
    const socket = freshPath();
    const listener = await server.listen({ path: socket });
    const connection = await connect(`unix://${socket}`);
    const client = createClient(echo, connection);
    assert.equal(await client.say("before"), "before");
    await listener.close();
    assert.equal(fs.existsSync(socket), false);
    await assert.rejects(connect(`unix://${socket}`), isError(StatusCode.unavailable, socket));
    assert.equal(await client.say("after"), "after");
    await listener.close();
    connection.close();
    await server.close();
  });

  test("removes it at the close", async () => {
    const { socket, end } = await start();
    assert.equal(fs.existsSync(socket), true);
    await end();
    assert.equal(fs.existsSync(socket), false);
  });

  test("refuses one that is in use, and leaves its server alone", async () => {
    const { client, socket, end } = await start();
    await assert.rejects(new Server().listen({ path: socket }), isError(StatusCode.alreadyExists, socket));
    assert.equal(await client.say("hello"), "hello");
    await end();
  });

  test("refuses one where a file is, and leaves the file alone", async () => {
    const file = freshPath();
    fs.writeFileSync(file, "precious");
    await assert.rejects(new Server().listen({ path: file }), isError(StatusCode.alreadyExists, file));
    assert.equal(fs.readFileSync(file, "utf8"), "precious");
  });

  test("refuses one over 107 bytes, and says which and why", async () => {
    const long = path.join(dir, "x".repeat(107));
    const listening = new Server().listen({ path: long });
    await assert.rejects(listening, isError(StatusCode.invalidArgument, long, "the limit is 107"));
    assert.deepEqual(
      fs.readdirSync(dir).filter((name) => name.startsWith("xxx")),
      [],
    );
    await assert.rejects(connect(long), isError(StatusCode.invalidArgument, long, "the limit is 107"));
  });

  test("works up to the last byte of the limit", async () => {
    const socket = path.join(dir, "x".repeat(107 - dir.length - 1));
    assert.equal(socket.length, 107);
    const { client, end } = await start({}, socket);
    assert.equal(await client.say("hello"), "hello");
    await end();
  });

  test("names a directory that is not there", async () => {
    const socket = path.join(dir, "absent", "a.sock");
    await assert.rejects(
      new Server().listen({ path: socket }),
      isError(StatusCode.notFound, socket, path.dirname(socket)),
    );
  });
});

describe("listening on an abstract name", () => {
  for (const form of ["unix://@", "unix:@", "@"]) {
    test(`is reached by ${form}name, and leaves nothing in the file system`, async () => {
      const name = abstractName();
      const server = register(new Server(), {});
      const listener = await server.listen({ abstract: name });
      assert.equal(listener.address, `@${name}`);
      const connection = await connect(form + name);
      assert.equal(await createClient(echo, connection).say("hello"), "hello");
      assert.equal(fs.existsSync(`@${name}`), false);
      connection.close();
      await server.close();
      await assert.rejects(connect(form + name), isError(StatusCode.unavailable, name));
    });
  }

  test("refuses one that is in use", async () => {
    const name = abstractName();
    const server = new Server();
    await server.listen({ abstract: name });
    await assert.rejects(
      new Server().listen({ abstract: name }),
      isError(StatusCode.alreadyExists, `@${name}`),
    );
    await server.close();
  });
});

describe("listening on an inherited descriptor", () => {
  /** A child that serves on descriptor 3, which it has inherited, and the path by which it is reached. */
  async function startChild() {
    const holder = net.createServer();
    const held = freshPath();
    holder.listen(held);
    await once(holder, "listening");
    const {
      _handle: { fd },
    } = holder as unknown as { _handle: { fd: number } };
    const self = fileURLToPath(import.meta.url);
    const script = path.join(path.dirname(self), `fd-server${path.extname(self)}`);
    const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit", fd] });
    assert.ok(child.stdout !== null);
    // This process would accept clients too, and its close removes the path it knows.
    const socket = freshPath();
    fs.renameSync(held, socket);
    holder.close();
    await once(holder, "close");
    const [address] = await once(child.stdout, "data");
    assert.equal(String(address), "fd 3\n");
    return { child, socket };
  }

  test("serves clients, and shuts down in order", async () => {
    const { child, socket } = await startChild();
    const connection = await connect(socket);
    assert.equal(await createClient(echo, connection).say("hello"), "hello");
    child.kill("SIGTERM");
    const [exitCode] = await once(child, "exit");
    assert.equal(exitCode, 0);
    assert.ok(isLost(await connection.closed));
  });

  test("by a server that is killed ends every call there", async () => {
    const { child, socket } = await startChild();
    const connection = await connect(socket);
    const client = createClient(echo, connection);
    const calls = [client.say("wait"), client.say("wait"), client.join().finish(), collect(client.chat())];
    assert.equal(await client.say("hello"), "hello");
    child.kill("SIGKILL");
    for (const call of calls.filter((_, i) => i !== 2)) await assert.rejects(call, isLost);
    await calls[2]?.catch(() => {});
    assert.ok(isLost(await connection.closed));
    assert.equal(connection.activeCalls, 0);
    await once(child, "exit");
  });

  test("that is none is refused, and named", async () => {
    await assert.rejects(new Server().listen({ fd: 987_654 }), isError(StatusCode.unavailable, "fd 987654"));
  });
});

describe("connecting", () => {
  test("where nobody listens is unavailable, and names the address", async () => {
    const absent = freshPath();
    await assert.rejects(connect(absent), isError(StatusCode.unavailable, absent, "ENOENT"));
    const { socket, end } = await start();
    fs.linkSync(socket, `${socket}.stale`);
    await end();
    await assert.rejects(connect(`${socket}.stale`), isError(StatusCode.unavailable, "ECONNREFUSED"));
  });

  test("to what is no address is an invalid argument", async () => {
    await assert.rejects(
      connect("tcp://localhost:1"),
      isError(StatusCode.invalidArgument, "tcp://localhost:1"),
    );
  });

  test("ends with its signal", async () => {
    const { client, server, socket, end } = await start();
    const signal = AbortSignal.abort();
    await assert.rejects(connect(socket, { signal }), isError(StatusCode.cancelled, socket));
    // The server has seen nothing of it, or its end.
    for (let i = 0; i < 10; i++) assert.equal(await client.say("x"), "x");
    assert.equal(server.connections, 1);
    await end();
  });

  test("leaves no time limit on the connection", async () => {
    const { socket, end } = await start();
    const connection = await connect(socket, { timeoutMs: 60_000 });
    assert.equal(await createClient(echo, connection).say("hello"), "hello");
    connection.close();
    await end();
  });
});
