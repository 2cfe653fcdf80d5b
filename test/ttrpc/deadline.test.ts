import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { hasCode, StatusCode, StatusError } from "../../src/base/status.ts";
import { ClientConnection, createClient, memoryPair } from "../../src/ttrpc/index.ts";
import { aborted, collect, echo, settle, startEcho } from "./echo-service.ts";
import { RawPeer, request } from "./raw-peer.ts";

/** Resolves after timers that were set before have had their turn, if they are shorter. */
const timersOfMs = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const never = () => new Promise<never>(() => {});
const isLate = (err: unknown) =>
  hasCode(err, StatusCode.deadlineExceeded) &&
  /^\/test\.Echo\/\w+ took longer than \d+ ms$/.test(err.message);

describe("a client's deadline", () => {
  test("ends a unary call that is not answered", async () => {
    const { client, connection } = startEcho({ say: never });
    await assert.rejects(client.say("x", { timeoutMs: 5 }), isLate);
    assert.equal(connection.activeCalls, 0);
  });

  test("ends streams of every kind, also between messages", async () => {
    const { client, connection } = startEcho({
      async *split() {
        yield "a";
        await never();
      },
      join: never,
      async *chat() {
        yield await never();
      },
    });
    const split = client.split("x", { timeoutMs: 20 });
    assert.equal((await split.next()).value, "a");
    await assert.rejects(split.next(), isLate);
    await assert.rejects(client.join({ timeoutMs: 5 }).finish(), isLate);
    await assert.rejects(collect(client.chat({ timeoutMs: 5 })), isLate);
    assert.equal(connection.activeCalls, 0);
  });

  test("is enforced here where the server ignores it", async () => {
    const [near, far] = memoryPair();
    const client = createClient(echo, new ClientConnection(near));
    new RawPeer(far);
    await assert.rejects(client.say("x", { timeoutMs: 5 }), isLate);
  });

  test("leaves a call that is answered in time alone", async () => {
    const { client } = startEcho();
    assert.equal(await client.say("quick", { timeoutMs: 60_000 }), "quick");
  });

  for (const timeoutMs of [0, -1, Number.NaN, -Infinity]) {
    test(`of ${timeoutMs} ms has passed before anything is sent`, async () => {
      const { client, connection, server } = startEcho();
      const call = client.say("x", { timeoutMs });
      await assert.rejects(call, (err) => hasCode(err, StatusCode.deadlineExceeded));
      assert.throws(() => client.split("x", { timeoutMs }), StatusError);
      assert.deepEqual([connection.activeCalls, server.activeCalls], [0, 0]);
    });
  }

  const sent: readonly (readonly [number, number])[] = [
    [1, 1_000_000],
    [0.0000001, 1],
    [2_000, 2_000_000_000],
    [1.5, 1_500_000],
    // Some 285 years, past 2⁵³: as near as a double comes.
    [9e12, 9e18],
    // What an int64 of nanoseconds cannot hold is the most that it can.
    [1e18, 2 ** 63 - 1024],
    [Infinity, 0],
  ];
  for (const [timeoutMs, nano] of sent) {
    test(`of ${timeoutMs} ms travels as ${nano} ns`, async () => {
      const [near, far] = memoryPair();
      const connection = new ClientConnection(near);
      const peer = new RawPeer(far);
      const call = createClient(echo, connection).say("x", { timeoutMs });
      call.catch(() => {});
      await peer.take(1);
      assert.equal(peer.requests[0]?.timeoutNano, nano);
      connection.close();
    });
  }
});

test("a client's deadline of more than a timer holds sets none", async () => {
  const { client } = startEcho();
  const { setTimeout: set } = globalThis;
  const asked: number[] = [];
  globalThis.setTimeout = ((run: () => void, ms: number) => {
    asked.push(ms);
    return set(run, ms);
  }) as unknown as typeof setTimeout;
  try {
    await client.say("x", { timeoutMs: 2 ** 31 });
  } finally {
    globalThis.setTimeout = set;
  }
  assert.deepEqual(asked, []);
});

describe("a deadline at the server", () => {
  test("aborts the handler's signal and answers, though the handler goes on", async () => {
    const seen = deferred<unknown>();
    const { server } = startEcho({
      say: async (_, context) => {
        seen.resolve(await aborted(context));
        return never();
      },
    });
    const [near, far] = memoryPair();
    server.accept(far);
    const peer = new RawPeer(near);
    peer.send(request(1, "Say", { timeoutNano: 5e6 }));
    const [answer] = await peer.take(1);
    assert.deepEqual([answer?.type, answer?.code], [2, StatusCode.deadlineExceeded]);
    assert.equal(answer?.message, "/test.Echo/Say took longer than 5 ms");
    assert.ok(isLate(await seen.promise));
    // The handler still runs, and counts.
    assert.equal(server.activeCalls, 1);
  });

  test("is told to the handler as an instant", async () => {
    const { client } = startEcho({ say: (_, { deadline }) => String(deadline) });
    const before = Date.now();
    const told = Number(await client.say("x", { timeoutMs: 60_000 }));
    assert.ok(told >= before + 60_000 && told <= Date.now() + 60_000);
  });

  test("that was negative when it came has passed", async () => {
    const { server } = startEcho({ say: never });
    const [near, far] = memoryPair();
    server.accept(far);
    const peer = new RawPeer(near);
    peer.send(request(1, "Say", { timeoutNano: -1 }));
    assert.equal((await peer.take(1))[0]?.code, StatusCode.deadlineExceeded);
  });

  for (const timeoutNano of [2 ** 53 + 2, 2 ** 63 - 1024]) {
    test(`of ${timeoutNano} ns does not pass at once`, async () => {
      const timers = timersOfMs(3);
      const { server } = startEcho({ say: (word) => timers.then(() => word) });
      const [near, far] = memoryPair();
      server.accept(far);
      const peer = new RawPeer(near);
      peer.send(request(1, "Say", { timeoutNano, payload: "in time" }));
      assert.equal((await peer.take(1))[0]?.text, "in time");
    });
  }

  test("ends a handler that yields for ever, and lets it clean up", async () => {
    const cleaned = deferred();
    const { client, server } = startEcho({
      async *split() {
        try {
          for (;;) {
            yield "x";
            await settle();
          }
        } finally {
          cleaned.resolve();
        }
      },
    });
    await assert.rejects(collect(client.split("x", { timeoutMs: 10 })), isLate);
    await cleaned.promise;
    await settle();
    assert.equal(server.activeCalls, 0);
  });

  test("fails what a handler is still reading, with the deadline's error", async () => {
    const seen = deferred<unknown>();
    const { client } = startEcho({
      join: (words) =>
        collect(words).then(String, (err) => {
          seen.resolve(err);
          throw err;
        }),
    });
    const call = client.join({ timeoutMs: 10 });
    await call.send("a");
    assert.ok(isLate(await seen.promise));
    call.cancel();
  });

  test("leaves nothing to read of what had come before it", async () => {
    const seen = deferred<unknown>();
    const { client } = startEcho({
      join: async (words, context) => {
        await aborted(context);
        const reading = words[Symbol.asyncIterator]();
        seen.resolve(await reading.next().catch((err) => err));
        return never();
      },
    });
    const call = client.join({ timeoutMs: 10 });
    await call.send("a");
    assert.ok(isLate(await seen.promise));
  });

  test("drops an answer that comes too late", async () => {
    const late = deferred<string>();
    const { server } = startEcho({ say: () => late.promise });
    const [near, far] = memoryPair();
    server.accept(far);
    const peer = new RawPeer(near);
    peer.send(request(1, "Say", { timeoutNano: 1e6 }));
    assert.equal((await peer.take(1))[0]?.code, StatusCode.deadlineExceeded);
    late.resolve("too late");
    assert.deepEqual(await peer.all(), []);
    assert.equal(server.activeCalls, 0);
  });
});
