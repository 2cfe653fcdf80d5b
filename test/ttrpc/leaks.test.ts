import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { ClientConnection, connect, createClient, memoryPair, Server } from "../../src/ttrpc/index.ts";
import { aborted, collect, echo, echoHandlers, settle, startEcho } from "./echo-service.ts";
import { RawPeer, request } from "./raw-peer.ts";

const never = () => new Promise<never>(() => {});

/** A signal that counts who listens to it. */
function countingSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set<unknown>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (type: string, listener: unknown, options?: unknown) => {
    listeners.add(listener);
    add(type, listener as () => void, options as { once: boolean });
  };
  signal.removeEventListener = (type: string, listener: unknown) => {
    listeners.delete(listener);
    remove(type, listener as () => void);
  };
  return { controller, signal, listeners };
}

/** Counts the timers that are set within `work` and neither cleared nor fired when it is done. */
async function timersLeft(work: () => Promise<void>): Promise<number> {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const pending = new Set<unknown>();
  let seen = 0;
  const counting = (run: () => void, ms: number) => {
    const timer = set(() => {
      pending.delete(timer);
      run();
    }, ms);
    pending.add(timer);
    seen++;
    return timer;
  };
  globalThis.setTimeout = counting as unknown as typeof setTimeout;
  globalThis.clearTimeout = ((timer: never) => {
    pending.delete(timer);
    clear(timer);
  }) as typeof clearTimeout;
  try {
    await work();
    await settle();
  } finally {
    globalThis.setTimeout = set;
    globalThis.clearTimeout = clear;
  }
  assert.ok(seen > 0, "no timer was set at all");
  const left = pending.size;
  for (const timer of pending) clear(timer as never);
  return left;
}

/** What a client may do with a call, each to its end. */
const uses: readonly (readonly [string, (options: Use) => Promise<unknown>])[] = [
  ["a unary call", ({ client, signal }) => client.say("x", { signal, timeoutMs: 60_000 })],
  ["a unary call that fails", ({ client, signal }) => client.say("fail", { signal, timeoutMs: 60_000 })],
  ["a call that is too late", ({ client, signal }) => client.say("wait", { signal, timeoutMs: 2 })],
  [
    "a call too long to send",
    ({ client, signal }) => client.say("x".repeat(5 << 20), { signal, timeoutMs: 60_000 }),
  ],
  ["a server stream", ({ client, signal }) => collect(client.split("abc", { signal, timeoutMs: 60_000 }))],
  [
    "a server stream left early",
    async ({ client, signal }) => {
      for await (const _ of client.split("abc", { signal, timeoutMs: 60_000 })) break;
    },
  ],
  ["a client stream", ({ client, signal }) => client.join({ signal, timeoutMs: 60_000 }).finish()],
  [
    "a client stream that is cancelled",
    async ({ client, signal }) => client.join({ signal, timeoutMs: 60_000 }).cancel(),
  ],
  [
    "a stream both ways",
    async ({ client, signal }) => {
      const chat = client.chat({ signal, timeoutMs: 60_000 });
      await chat.send("a");
      await chat.end();
      await collect(chat);
    },
  ],
  [
    "a call that is aborted",
    async ({ client, controller, signal }) => {
      const call = client.say("wait", { signal, timeoutMs: 60_000 });
      call.catch(() => {});
      await settle();
      controller.abort();
      await call;
    },
  ],
  [
    "a call cut off by the server",
    async ({ client, signal, server }) => {
      const calls = [
        client.say("wait", { signal, timeoutMs: 60_000 }),
        collect(client.chat({ signal, timeoutMs: 60_000 })),
      ];
      await settle();
      await server.close();
      await Promise.allSettled(calls);
    },
  ],
];

type Use = Pick<ReturnType<typeof startEcho>, "client" | "connection" | "server"> &
  ReturnType<typeof countingSignal>;

function startUse(): Use {
  const { client, connection, server } = startEcho({
    say: (word, context) => {
      if (word === "fail") throw new Error("no");
      return word === "wait" ? aborted(context).then(() => "given up") : word;
    },
  });
  return { client, connection, server, ...countingSignal() };
}

describe("nothing is left behind by", () => {
  for (const [title, use] of uses) {
    test(title, async () => {
      const started = startUse();
      const left = await timersLeft(async () => {
        await use(started).catch(() => {});
        await settle();
        started.connection.close();
        await started.connection.closed;
      });
      assert.equal(left, 0, "timers");
      assert.equal(started.listeners.size, 0, "listeners");
      assert.equal(started.connection.activeCalls, 0, "calls of the client");
      assert.equal(started.server.connections, 0, "connections of the server");
    });
  }

  test("a deadline that came with a request, once it is answered", async () => {
    const server = new Server().register(echo, echoHandlers);
    const [near, far] = memoryPair();
    server.accept(far);
    const peer = new RawPeer(near);
    const left = await timersLeft(async () => {
      peer.send(
        request(1, "Say", { timeoutNano: 60e9 }),
        request(3, "Join", { flags: 2, timeoutNano: 60e9 }),
      );
      peer.send({ streamId: 3, flags: 5 });
      await peer.take(2);
    });
    assert.equal(left, 0);
    assert.equal(server.activeCalls, 0);
  });

  test("a deadline that came with a request whose client is gone", async () => {
    const server = new Server().register(echo, { say: never });
    const [near, far] = memoryPair();
    server.accept(far);
    const left = await timersLeft(async () => {
      new RawPeer(near).send(request(1, "Say", { timeoutNano: 60e9 }));
      await settle();
      near.destroy();
      await settle();
    });
    assert.equal(left, 0);
  });

  test("a stream that stalled when its connection was lost", async () => {
    const { client, connection, server } = startEcho(
      {
        async *split() {
          for (;;) yield "x";
        },
      },
      { maxUnreadMessages: 4, stallMs: 60_000 },
    );
    const left = await timersLeft(async () => {
      client.split("");
      await settle();
      connection.close();
      await settle();
    });
    assert.equal(left, 0);
    await server.close();
  });

  test("connecting with a signal and a time limit", async () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-ttrpc-leaks-"));
    after(() => fs.rmSync(dir, { recursive: true, force: true }));
    const socket = path.join(dir, "a.sock");
    const server = new Server().register(echo, echoHandlers);
    await server.listen({ path: socket });
    const { signal, listeners } = countingSignal();
    const left = await timersLeft(async () => {
      const connection = await connect(socket, { signal, timeoutMs: 60_000 });
      connection.close();
      await assert.rejects(connect(`${socket}.absent`, { signal, timeoutMs: 60_000 }));
    });
    assert.deepEqual([left, listeners.size], [0, 0]);
    await server.close();
  });
});

describe("descriptors", () => {
  test("of sockets are all closed when both ends are", async () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-ttrpc-fds-"));
    after(() => fs.rmSync(dir, { recursive: true, force: true }));
    const count = () => fs.readdirSync("/proc/self/fd").length;
    const round = async () => {
      const server = new Server().register(echo, echoHandlers);
      const socket = path.join(dir, "a.sock");
      await server.listen({ path: socket });
      const connections = await Promise.all(Array.from({ length: 20 }, () => connect(socket)));
      for (const connection of connections) {
        const client = createClient(echo, connection);
        assert.equal(await client.say("x"), "x");
        client.say("y").catch(() => {});
      }
      for (const connection of connections.slice(10)) connection.close();
      await server.close();
      await Promise.all(connections.map(({ closed }) => closed));
      await settle();
    };
    await round();
    const before = count();
    for (let i = 0; i < 5; i++) await round();
    assert.ok(count() <= before, `${before} descriptors before, ${count()} after`);
  });
});

test("a thousand calls one after another leave no call, on either end", async () => {
  const { client, connection, server } = startEcho();
  for (let i = 0; i < 1_000; i++) await client.say("x", { timeoutMs: 60_000 });
  await settle();
  assert.deepEqual([connection.activeCalls, server.activeCalls], [0, 0]);
});

test("an error that nobody waits for is no unhandled rejection", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  const { client, connection, far } = startEcho({ join: never, say: never });
  client.split("abc");
  client.join();
  const chat = client.chat();
  await chat.send("x");
  const [near] = memoryPair();
  const other = new ClientConnection(near);
  createClient(echo, other).chat();
  await settle();
  far.destroy();
  near.destroy(new Error("broken"));
  await Promise.all([connection.closed, other.closed]);
  await settle();
  process.off("unhandledRejection", note);
  assert.deepEqual(unhandled, []);
});
