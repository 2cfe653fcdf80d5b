import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import {
  type CallOptions,
  ClientConnection,
  createClient,
  memoryPair,
  Server,
} from "../../src/ttrpc/index.ts";
import { collect, echo, settle, startEcho } from "./echo-service.ts";
import { RawPeer, request, response, toBytes } from "./raw-peer.ts";

const never = () => new Promise<never>(() => {});
const isFull = (err: unknown) =>
  hasCode(err, StatusCode.resourceExhausted) &&
  /messages of the stream were not read for \d+ ms$/.test(err.message);

describe("a stream that is not read", () => {
  test("holds back its sender while the reader is only slow, and loses nothing", async () => {
    let sent = 0;
    const { client } = startEcho(
      {
        async *split() {
          for (; sent < 5_000; sent++) yield "x".repeat(100);
        },
      },
      { maxUnreadMessages: 8, writeAheadBytes: 1_000 },
    );
    let read = 0;
    for await (const _ of client.split("")) {
      read++;
      if (read % 500 === 0) await settle();
      assert.ok(sent - read < 3_000, `${sent} were sent when ${read} were read`);
    }
    assert.equal(read, 5_000);
  });

  test("fails at the client after its time, and the other calls go on", async () => {
    const { client, connection, server } = startEcho(
      {
        async *split() {
          for (;;) yield "x";
        },
      },
      { maxUnreadMessages: 8, stallMs: 10 },
    );
    const stalled = client.split("");
    while (connection.activeCalls > 0) await settle();
    assert.equal(await client.say("beside it"), "beside it");
    await assert.rejects(collect(stalled), isFull);
    await server.close();
  });

  test("fails at the client by the bytes that wait, too", async () => {
    const { client, connection, server } = startEcho(
      {
        async *split() {
          for (;;) yield "x".repeat(1_000);
        },
      },
      { maxUnreadBytes: 10_000, stallMs: 10 },
    );
    const stalled = client.split("");
    while (connection.activeCalls > 0) await settle();
    assert.equal(await client.say("beside it"), "beside it");
    await assert.rejects(collect(stalled), isFull);
    await server.close();
  });

  test("fails at the server after its time, aborts the handler, and the other calls go on", async () => {
    const { server } = startEcho(
      {
        join: (_, { signal }) =>
          new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      },
      { maxUnreadMessages: 8, stallMs: 10 },
    );
    const [near, far] = memoryPair();
    server.accept(far);
    const peer = new RawPeer(near);
    const message = { streamId: 1, data: "x" };
    peer.send(request(1, "Join", { flags: 2 }), ...Array.from({ length: 20 }, () => message));
    peer.send(request(3, "Say", { payload: "beside it" }));
    const answers = await peer.all();
    while (!answers.some(({ streamId }) => streamId === 3)) answers.push(...(await peer.take(1)));
    const stalled = answers.filter(({ streamId }) => streamId === 1);
    assert.equal(stalled[0]?.code, StatusCode.resourceExhausted);
    assert.match(stalled[0]?.message ?? "", /were not read for 10 ms/);
    // What was on its way when the stream failed belongs to no stream any more.
    assert.ok(stalled.slice(1).every(({ code }) => code === StatusCode.invalidArgument));
    assert.equal(server.activeCalls, 0);
  });

  test("does not outlive its connection by a timer or a wait", async () => {
    const { client, connection, far } = startEcho(
      {
        async *split() {
          for (;;) yield "x";
        },
      },
      { maxUnreadMessages: 8, stallMs: 2 ** 30 },
    );
    const stalled = client.split("");
    await settle();
    far.destroy();
    connection.close();
    await assert.rejects(collect(stalled), (err) => hasCode(err, StatusCode.unavailable));
  });

  test("lets go of the connection when it is cancelled", async () => {
    const { client } = startEcho(
      {
        async *split() {
          for (let i = 0; i < 100; i++) yield "x";
        },
      },
      { maxUnreadMessages: 8, stallMs: 2 ** 30 },
    );
    const stalled = client.split("");
    await settle();
    const beside = client.say("beside it");
    await stalled.return();
    assert.equal(await beside, "beside it");
  });
});

describe("an endless stream that never has to wait", () => {
  test("lets everything else in the process run, at the server and at the client", async () => {
    const { client, server, connection } = startEcho({
      async *split() {
        for (;;) yield "x";
      },
      async join(words) {
        for await (const _ of words);
        return "";
      },
    });
    let over = false;
    const read = async () => {
      for await (const _ of client.split("")) if (over) break;
    };
    const send = async (call = client.join()) => {
      while (!over) await call.send("x");
      return call.finish();
    };
    const endless = [read(), send()];
    await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(await client.say("beside it"), "beside it");
    over = true;
    await Promise.all(endless);
    connection.close();
    await server.close();
  });
});

describe("a peer that does not read", () => {
  /** A connection to a server of which nothing is ever read. */
  function deafClient(handlers: Parameters<typeof startEcho>[0], limits: Parameters<typeof startEcho>[1]) {
    const { server } = startEcho(handlers, limits);
    const [near, far] = memoryPair();
    const connection = server.accept(far);
    near.on("error", () => {});
    return { server, connection, near, far };
  }

  test("holds a handler that streams to it back", async () => {
    let yielded = 0;
    const { near, far } = deafClient(
      {
        async *split() {
          for (;;) {
            yielded++;
            yield "x".repeat(1_000);
          }
        },
      },
      { writeAheadBytes: 100_000 },
    );
    near.write(toBytes(request(1, "Split", { flags: 1 })));
    await settle();
    const before = yielded;
    await settle();
    assert.equal(yielded, before);
    assert.ok(far.writableLength < 300_000, `${far.writableLength} bytes wait`);
    near.destroy();
    await settle();
  });

  test("is asked no more questions of until it takes its answers", async () => {
    let calls = 0;
    const { near } = deafClient(
      {
        say: () => {
          calls++;
          return "x".repeat(10_000);
        },
      },
      { writeAheadBytes: 50_000 },
    );
    // Ten at a time: what comes in one chunk is taken as one.
    for (let id = 1; id < 200; id += 2) {
      near.write(toBytes(request(id, "Say")));
      if (id % 20 === 19) await settle();
    }
    assert.ok(calls < 50, `${calls} calls were answered`);
    const peer = new RawPeer(near);
    const answers = await peer.take(100);
    assert.equal(answers.length, 100);
    assert.equal(calls, 100);
  });

  test("is left with resourceExhausted when too much waits for it, and it takes nothing for its time", async () => {
    const answer = deferred<string>();
    const { near, connection, server } = deafClient(
      { say: () => answer.promise },
      { writeAheadBytes: 10_000, maxUnwrittenBytes: 1_000_000, unwrittenMs: 50 },
    );
    for (let id = 1; id < 100; id += 2) near.write(toBytes(request(id, "Say")));
    await settle();
    assert.equal(connection.activeCalls, 50);
    answer.resolve("x".repeat(100_000));
    const reason = await connection.closed;
    assert.ok(hasCode(reason, StatusCode.resourceExhausted));
    assert.match(reason.message, /more than 1000000 bytes wait for a peer that has taken nothing for 50 ms/);
    await settle();
    assert.deepEqual([server.activeCalls, server.connections], [0, 1]);
  });

  test("is not one that has asked for all that waits, and takes it", async () => {
    const answer = deferred<string>();
    const limits = { writeAheadBytes: 10_000, maxUnwrittenBytes: 1_000_000 };
    const server = new Server({ limits }).register(echo, {
      say: () => answer.promise,
      async *split() {
        for (let i = 0; i < 3; i++) yield await answer.promise;
      },
    });
    const [near, far] = memoryPair();
    server.accept(far);
    const client = createClient(echo, new ClientConnection(near));
    const said = Array.from({ length: 30 }, () => client.say(""));
    const split = Array.from({ length: 30 }, () => collect(client.split("")));
    await settle();
    answer.resolve("x".repeat(100_000));
    const lengths = [...(await Promise.all(said)), ...(await Promise.all(split)).flat()].map(
      ({ length }) => length,
    );
    assert.deepEqual(
      lengths,
      Array.from({ length: 120 }, () => 100_000),
    );
    await server.close();
  });

  test("costs a client's callers an error, once too much waits, and not the connection", async () => {
    const [near, far] = memoryPair();
    const limits = { writeAheadBytes: 10_000, maxUnwrittenBytes: 1_000_000 };
    const connection = new ClientConnection(near, { limits });
    const client = createClient(echo, connection);
    const calls = Array.from({ length: 50 }, () => client.say("x".repeat(100_000)));
    const outcomes = calls.map((call) =>
      call.then(
        () => "answered",
        (err) => (hasCode(err, 8) ? "refused" : err),
      ),
    );
    await settle();
    assert.ok(connection.activeCalls >= 9 && connection.activeCalls <= 12, String(connection.activeCalls));
    const peer = new RawPeer(far);
    const kept = connection.activeCalls;
    for (const { streamId } of await peer.take(kept)) peer.send(response(streamId, { text: "ok" }));
    const counted = await Promise.all(outcomes);
    assert.equal(counted.filter((outcome) => outcome === "answered").length, kept);
    assert.equal(counted.filter((outcome) => outcome === "refused").length, 50 - kept);
    assert.equal(connection.activeCalls, 0);
  });

  const stop = new AbortController();
  const ends: [how: string, code: StatusCode, options: () => CallOptions][] = [
    ["deadline", StatusCode.deadlineExceeded, () => ({ timeoutMs: 20 })],
    ["signal", StatusCode.cancelled, () => ({ signal: stop.signal })],
    ["cancel", StatusCode.cancelled, () => ({})],
  ];
  for (const [how, code, options] of ends) {
    test(`keeps nobody who sends past the ${how} of the call`, async () => {
      const [near] = memoryPair();
      const client = createClient(echo, new ClientConnection(near, { limits: { writeAheadBytes: 1_000 } }));
      const [join, chat] = [client.join(options()), client.chat(options())];
      await join.send("x".repeat(200_000));
      const waiting = [join.send("y"), join.finish(), chat.send("z")].map((one) =>
        assert.rejects(one, (err) => hasCode(err, code)),
      );
      const closing = chat.end();
      if (how === "signal") stop.abort();
      if (how === "cancel") for (const call of [join, chat]) call.cancel();
      await Promise.all([...waiting, closing]);
    });
  }

  test("is not sent a request that was given up while it waited", async () => {
    const [near, far] = memoryPair();
    const client = createClient(echo, new ClientConnection(near, { limits: { writeAheadBytes: 10_000 } }));
    const controller = new AbortController();
    const calls = [client.say("x".repeat(500_000)), client.say("x".repeat(500_000))];
    const waits = client.say("given up", { signal: controller.signal });
    await settle();
    controller.abort();
    await assert.rejects(waits, (err) => hasCode(err, StatusCode.cancelled));
    const peer = new RawPeer(far);
    const after = client.say("after");
    const ids = (await peer.take(3)).map(({ streamId }) => streamId);
    assert.deepEqual(ids, [1, 3, 7]);
    for (const id of ids) peer.send(response(id, { text: "ok" }));
    assert.deepEqual(await Promise.all([...calls, after]), ["ok", "ok", "ok"]);
  });

  test("holds a client's stream back, and tells the sender when the connection is lost meanwhile", async () => {
    const [near] = memoryPair();
    const client = createClient(echo, new ClientConnection(near, { limits: { writeAheadBytes: 10_000 } }));
    const call = client.join();
    let sends = 0;
    const send = async () => {
      for (; sends < 100; sends++) await call.send("x".repeat(10_000));
    };
    const sending = send();
    sending.catch(() => {});
    await settle();
    assert.ok(near.writableLength < 200_000, `${near.writableLength} bytes wait`);
    const before = sends;
    near.destroy();
    await assert.rejects(sending, (err) => hasCode(err, StatusCode.unavailable));
    // The very send that waited fails, not the one after it.
    assert.equal(sends, before);
  });
});

describe("calls at once over one connection", () => {
  test("beyond the server's limit are refused, and one that ends makes room", async () => {
    const first = deferred<string>();
    const { client } = startEcho(
      { say: (word) => (word === "a" ? first.promise : never()) },
      { maxCalls: 2 },
    );
    const a = client.say("a");
    client.say("b").catch(() => {});
    await assert.rejects(client.say("c"), (err) => {
      assert.ok(hasCode(err, StatusCode.resourceExhausted));
      return err.message === "2 calls of this connection are under way, which is the limit";
    });
    first.resolve("A");
    assert.equal(await a, "A");
    const join = client.join();
    assert.equal(await join.finish(), "");
  });

  test("count until the handler has ended, though the answer is out", async () => {
    const { client } = startEcho({ say: never }, { maxCalls: 1 });
    await assert.rejects(client.say("a", { timeoutMs: 5 }), (err) =>
      hasCode(err, StatusCode.deadlineExceeded),
    );
    await assert.rejects(client.say("b"), (err) => hasCode(err, StatusCode.resourceExhausted));
  });

  test("of another connection have a limit of their own", async () => {
    const { client, server } = startEcho({ say: never }, { maxCalls: 1 });
    client.say("a").catch(() => {});
    const [near, far] = memoryPair();
    server.accept(far);
    const other = createClient(echo, new ClientConnection(near));
    assert.equal(await other.join().finish(), "");
  });
});
