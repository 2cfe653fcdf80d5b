import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { hasCode, StatusCode, StatusError } from "../../src/base/status.ts";
import { memoryPair } from "../../src/ttrpc/index.ts";
import { aborted, collect, settle, startEcho } from "./echo-service.ts";
import { RawPeer, request } from "./raw-peer.ts";

const never = () => new Promise<never>(() => {});
const isCancelled = (err: unknown) =>
  hasCode(err, StatusCode.cancelled) && /^\/test\.Echo\/\w+ was cancelled$/.test(err.message);

describe("a caller's signal", () => {
  test("ends a unary call", async () => {
    const { client, connection } = startEcho({ say: never });
    const controller = new AbortController();
    const call = client.say("x", { signal: controller.signal });
    await settle();
    controller.abort("bored");
    await assert.rejects(call, (err) => isCancelled(err) && (err as Error).cause === "bored");
    assert.equal(connection.activeCalls, 0);
  });

  test("ends streams of every kind, and what was not read is gone", async () => {
    const { client, connection } = startEcho({ join: never });
    const controller = new AbortController();
    const { signal } = controller;
    const split = client.split("abc", { signal });
    const join = client.join({ signal });
    const chat = client.chat({ signal });
    await chat.send("x");
    await settle();
    controller.abort();
    await assert.rejects(join.finish(), isCancelled);
    await assert.rejects(join.send("x"), isCancelled);
    await assert.rejects(collect(chat), isCancelled);
    await assert.rejects(chat.send("x"), isCancelled);
    // This one had been answered completely: there is nothing left to cancel.
    assert.deepEqual(await collect(split), ["a", "b", "c"]);
    assert.equal(connection.activeCalls, 0);
  });

  test("ends a stream at once, though messages wait to be read", async () => {
    const { client } = startEcho({
      async *split() {
        yield* ["a", "b"];
        await never();
      },
    });
    const controller = new AbortController();
    const split = client.split("x", { signal: controller.signal });
    await settle();
    controller.abort();
    await assert.rejects(split.next(), isCancelled);
  });

  test("that has aborted before lets nothing be sent", async () => {
    const { server, far } = startEcho();
    const { client, connection } = startEcho();
    const signal = AbortSignal.abort();
    await assert.rejects(client.say("x", { signal }), isCancelled);
    await assert.rejects(collect(client.split("x", { signal })), isCancelled);
    await assert.rejects(client.join({ signal }).finish(), isCancelled);
    await assert.rejects(client.chat({ signal }).send("x"), isCancelled);
    assert.deepEqual([connection.activeCalls, server.activeCalls, far.readableLength], [0, 0, 0]);
  });

  test("with a StatusError as its reason fails the call with that", async () => {
    const { client } = startEcho({ say: never });
    const controller = new AbortController();
    const reason = new StatusError(StatusCode.unavailable, "the shim has exited");
    const call = client.say("x", { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(call, (err) => err === reason);
  });

  test("that aborts as AbortSignal.timeout does is a deadline", async () => {
    const { client } = startEcho({ say: never });
    const controller = new AbortController();
    const call = client.say("x", { signal: controller.signal });
    controller.abort(new DOMException("the time is over", "TimeoutError"));
    await assert.rejects(call, (err) => hasCode(err, StatusCode.deadlineExceeded));
  });

  test("does not disturb other calls, and a late answer is dropped", async () => {
    const slow = deferred<string>();
    const { client, connection } = startEcho({ say: (word) => (word === "slow" ? slow.promise : word) });
    const controller = new AbortController();
    const call = client.say("slow", { signal: controller.signal });
    await settle();
    controller.abort();
    await assert.rejects(call, isCancelled);
    slow.resolve("late");
    await settle();
    assert.equal(await client.say("next"), "next");
    assert.equal(connection.activeCalls, 0);
  });

  test("after the end of the call does nothing", async () => {
    const { client } = startEcho();
    const controller = new AbortController();
    assert.equal(await client.say("x", { signal: controller.signal }), "x");
    controller.abort();
    assert.equal(await client.say("y"), "y");
  });
});

describe("cancel", () => {
  test("ends a stream here, for its sender and its reader", async () => {
    const { client, connection } = startEcho();
    const join = client.join();
    join.cancel();
    await assert.rejects(join.finish(), isCancelled);
    const chat = client.chat();
    const reading = collect(chat);
    chat.cancel();
    chat.cancel();
    await assert.rejects(reading, isCancelled);
    await assert.rejects(chat.send("x"), isCancelled);
    assert.equal(connection.activeCalls, 0);
  });
});

describe("a client that goes away", () => {
  for (const how of ["end", "destroy"] as const) {
    test(`by ${how} aborts the handlers' signals and frees their calls`, async () => {
      const reasons: unknown[] = [];
      const { server, near } = startEcho({
        say: async (_, context) => {
          reasons.push(await aborted(context));
          return "nobody hears";
        },
      });
      const peer = new RawPeer(near);
      peer.send(request(1, "Say"), request(3, "Say"));
      await settle();
      assert.equal(server.activeCalls, 2);
      near[how]();
      await settle();
      assert.equal(reasons.length, 2);
      for (const reason of reasons) {
        assert.ok(hasCode(reason, StatusCode.cancelled));
        assert.match(reason.message, /^\/test\.Echo\/Say was given up: connection closed by the peer$/);
      }
      assert.deepEqual([server.activeCalls, server.connections], [0, 0]);
    });
  }

  test("is survived by a handler that never returns", async () => {
    const { server, near } = startEcho({ say: never });
    new RawPeer(near).send(request(1, "Say"));
    await settle();
    near.destroy();
    await settle();
    assert.equal(server.connections, 0);
    const [again, far] = memoryPair();
    server.accept(far);
    const peer = new RawPeer(again);
    peer.send(request(1, "Join", { flags: 1, payload: "alive" }));
    assert.equal((await peer.take(1))[0]?.text, "alive");
  });

  test("ends what a handler reads, and closes what it yields", async () => {
    const ends: string[] = [];
    const { server, near } = startEcho({
      async *chat(words) {
        try {
          for await (const word of words) yield word;
        } catch (err) {
          ends.push(hasCode(err, StatusCode.cancelled) ? "read failed" : String(err));
        } finally {
          ends.push("closed");
        }
      },
    });
    new RawPeer(near).send(request(1, "Chat", { flags: 2 }), { streamId: 1, data: "x" });
    await settle();
    near.destroy();
    await settle();
    assert.deepEqual(ends, ["read failed", "closed"]);
    assert.equal(server.activeCalls, 0);
  });
});

describe("a lost connection", () => {
  const isLost = (err: unknown) =>
    hasCode(err, StatusCode.unavailable) && /^connection closed/.test(err.message);

  test("fails every call under way, and every later one", async () => {
    const { client, connection, far } = startEcho({
      say: never,
      join: never,
      async *split() {
        yield "a";
        await never();
      },
    });
    const say = client.say("x");
    const split = client.split("x");
    const join = client.join();
    const chat = client.chat();
    await settle();
    far.destroy();
    await assert.rejects(say, isLost);
    assert.equal((await split.next()).value, "a");
    await assert.rejects(split.next(), isLost);
    await assert.rejects(join.finish(), isLost);
    await assert.rejects(collect(chat), isLost);
    await assert.rejects(client.say("y"), isLost);
    assert.throws(() => client.chat(), isLost);
    assert.equal(connection.activeCalls, 0);
  });

  test("is one that was closed here, too", async () => {
    const { client, connection } = startEcho({ say: never });
    const call = client.say("x");
    connection.close();
    connection.close();
    await assert.rejects(
      call,
      (err) => isLost(err) && (err as Error).message === "connection closed by this side",
    );
    assert.equal((await connection.closed).message, "connection closed by this side");
  });

  test("keeps the first reason", async () => {
    const { connection, far, near } = startEcho();
    far.destroy();
    await connection.closed;
    connection.close();
    near.destroy(new Error("later"));
    await settle();
    assert.equal((await connection.closed).message, "connection closed by the peer");
  });

  test("in the middle of a frame says so", async () => {
    const { connection, far } = startEcho();
    far.write(Buffer.from([0, 0, 0, 9, 0]));
    far.end();
    assert.equal((await connection.closed).message, "connection closed by the peer in the middle of a frame");
  });

  test("by an error of the stream names it", async () => {
    const { connection, near } = startEcho();
    near.destroy(Object.assign(new Error("read EIO"), { code: "EIO" }));
    assert.equal((await connection.closed).message, "connection closed after an error: read EIO");
  });

  test("over a stream that was destroyed before fails calls at once", async () => {
    const [near] = memoryPair();
    near.destroy();
    const { server } = startEcho();
    const connection = server.accept(near);
    assert.ok(isLost(await connection.closed));
    await settle();
    assert.equal(server.connections, 1);
  });

  test("is what a stream without bytes becomes", async () => {
    const { connection, near, far } = startEcho();
    near.setEncoding("utf8");
    far.write("text");
    assert.match((await connection.closed).message, /the stream gives no bytes/);
  });
});
