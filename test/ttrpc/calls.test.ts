import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { ttrpc } from "../../src/proto/index.ts";
import { ClientConnection, createClient, Metadata, memoryPair } from "../../src/ttrpc/index.ts";
import { collect, echo, settle, startEcho } from "./echo-service.ts";
import { RawPeer, response } from "./raw-peer.ts";

describe("a unary call", () => {
  test("carries the request there and the response back", async () => {
    const { client } = startEcho({ say: async (word) => `${word}!` });
    assert.equal(await client.say("hello"), "hello!");
  });

  test("carries empty messages, which are messages all the same", async () => {
    const { client } = startEcho();
    assert.equal(await client.say(""), "");
  });

  test("takes a handler that answers without a promise", async () => {
    const { client } = startEcho({ say: (word) => word.toUpperCase() });
    assert.equal(await client.say("now"), "NOW");
  });

  test("may overtake another that waits", async () => {
    const slow = deferred<string>();
    const { client } = startEcho({ say: (word) => (word === "slow" ? slow.promise : word) });
    const order: string[] = [];
    const first = client.say("slow").then((word) => order.push(word));
    order.push(await client.say("quick"));
    slow.resolve("slow");
    await first;
    assert.deepEqual(order, ["quick", "slow"]);
  });

  test("finds its own answer among a thousand at once, answered in any order", async () => {
    const waiting: (() => void)[] = [];
    const { client, connection, server } = startEcho({
      say: (word) => new Promise((resolve) => waiting.push(() => resolve(word))),
    });
    const words = Array.from({ length: 1_000 }, (_, i) => `word ${i}`);
    const calls = words.map((word) => client.say(word));
    while (waiting.length < words.length) await settle();
    assert.equal(connection.activeCalls, 1_000);
    assert.equal(server.activeCalls, 1_000);
    for (const answer of waiting.sort((a, b) => a.length - b.length).reverse()) answer();
    assert.deepEqual(await Promise.all(calls), words);
    await settle();
    assert.deepEqual([connection.activeCalls, server.activeCalls], [0, 0]);
  });

  test("calls handlers as methods of their object, also of a class", async () => {
    class Echo {
      readonly suffix = "?";
      async say(word: string) {
        return word + this.suffix;
      }
    }
    const { client } = startEcho({ ...{}, say: (word) => new Echo().say(word) });
    assert.equal(await client.say("who"), "who?");
    const { server, connection } = startEcho();
    const named = { ...echo, name: "test.Named" } as const;
    server.register(named, new Echo());
    assert.equal(await createClient(named, connection).say("who"), "who?");
  });

  test("has the wire form that ttrpc gives it", async () => {
    const [near, far] = memoryPair();
    const client = createClient(echo, new ClientConnection(near));
    const peer = new RawPeer(far);
    const calls = [client.say("a"), client.say("b")];
    const frames = await peer.take(2);
    assert.deepEqual(
      frames.map(({ streamId, type, flags }) => [streamId, type, flags]),
      [
        [1, 1, 0],
        [3, 1, 0],
      ],
    );
    assert.deepEqual([peer.requests[0]?.service, peer.requests[0]?.method], ["test.Echo", "Say"]);
    assert.equal(peer.requests[0]?.timeoutNano, 0);
    peer.send(response(3, { text: "B" }), response(1, { text: "A" }));
    assert.deepEqual(await Promise.all(calls), ["A", "B"]);
  });
});

describe("a server stream", () => {
  test("gives each message, then ends", async () => {
    const { client } = startEcho();
    assert.deepEqual(await collect(client.split("abc")), ["a", "b", "c"]);
    assert.deepEqual(await collect(client.split("")), []);
  });

  test("carries messages that are empty", async () => {
    const { client } = startEcho({
      async *split() {
        yield* ["", "x", ""];
      },
    });
    assert.deepEqual(await collect(client.split("")), ["", "x", ""]);
  });

  test("gives a message while the handler still works on the next", async () => {
    const more = deferred();
    const { client } = startEcho({
      async *split() {
        yield "first";
        await more.promise;
        yield "second";
      },
    });
    const messages = client.split("");
    assert.equal((await messages.next()).value, "first");
    more.resolve();
    assert.equal((await messages.next()).value, "second");
    assert.equal((await messages.next()).done, true);
  });

  test("gives what came before the handler failed, then the error", async () => {
    const { client } = startEcho({
      async *split() {
        yield "first";
        throw new RangeError("ran out");
      },
    });
    const messages = client.split("");
    assert.equal((await messages.next()).value, "first");
    await assert.rejects(
      messages.next(),
      (err) => hasCode(err, StatusCode.internal) && err.message === "ran out",
    );
  });

  test("takes any async iterable from the handler, not only a generator", async () => {
    const { client } = startEcho({
      split: () => ({
        [Symbol.asyncIterator]() {
          let left = 3;
          return {
            next: async () => (left-- > 0 ? { done: false, value: "x" } : { done: true, value: undefined }),
          };
        },
      }),
    });
    assert.deepEqual(await collect(client.split("")), ["x", "x", "x"]);
  });

  test("left early by its reader ends the call here", async () => {
    const { client, connection } = startEcho();
    for await (const letter of client.split("abc")) {
      assert.equal(letter, "a");
      break;
    }
    assert.equal(connection.activeCalls, 0);
    assert.equal(await client.say("still here"), "still here");
  });

  test("may end with a response that carries the last message, or none", async () => {
    const [near, far] = memoryPair();
    const client = createClient(echo, new ClientConnection(near));
    const peer = new RawPeer(far);
    const streams = [collect(client.split("")), collect(client.split(""))];
    assert.deepEqual(
      (await peer.take(2)).map(({ flags }) => flags),
      [1, 1],
    );
    peer.send({ streamId: 1, data: "a" }, response(1, { text: "b" }));
    peer.send({ streamId: 3, data: "a" }, response(3, {}));
    assert.deepEqual(await Promise.all(streams), [["a", "b"], ["a"]]);
  });

  test("may end with data in the very frame that closes it", async () => {
    const [near, far] = memoryPair();
    const client = createClient(echo, new ClientConnection(near));
    const peer = new RawPeer(far);
    const stream = collect(client.split(""));
    await peer.take(1);
    peer.send({ streamId: 1, data: "a" }, { streamId: 1, flags: 1, data: "b" });
    assert.deepEqual(await stream, ["a", "b"]);
  });
});

describe("a client stream", () => {
  test("is answered when all is sent", async () => {
    const { client } = startEcho();
    const call = client.join();
    for (const word of ["a", "", "b"]) await call.send(word);
    assert.equal(await call.finish(), "a++b");
  });

  test("may be empty", async () => {
    const { client } = startEcho();
    assert.equal(await client.join().finish(), "");
  });

  test("may be answered before it was all sent; what is sent afterwards is refused here", async () => {
    const { client, connection } = startEcho({
      async join(words) {
        for await (const word of words) return word;
        return "";
      },
    });
    const call = client.join();
    await call.send("first");
    await settle();
    assert.equal(connection.activeCalls, 0);
    await assert.rejects(call.send("second"), (err) => hasCode(err, StatusCode.failedPrecondition));
    assert.equal(await call.finish(), "first");
    assert.equal(await client.say("still here"), "still here");
  });

  test("goes on to its answer when the handler reads no further", async () => {
    const done = deferred<string>();
    const { client } = startEcho(
      {
        async join(words) {
          for await (const _ of words) break;
          return done.promise;
        },
      },
      { maxUnreadMessages: 1, stallMs: 2 ** 30 },
    );
    const call = client.join();
    for (let i = 0; i < 50; i++) await call.send("x");
    assert.equal(await client.say("beside it"), "beside it");
    done.resolve("done");
    assert.equal(await call.finish(), "done");
  });

  test("gives its sender the error it was answered with", async () => {
    const { client } = startEcho({
      async join() {
        throw new TypeError("not today");
      },
    });
    const call = client.join();
    await settle();
    const isAnswer = (err: unknown) => hasCode(err, StatusCode.internal) && err.message === "not today";
    await assert.rejects(call.send("x"), isAnswer);
    await assert.rejects(call.finish(), isAnswer);
  });

  test("cannot be sent on after its end, nor answered twice", async () => {
    const { client } = startEcho();
    const call = client.join();
    assert.equal(await call.finish(), "");
    await assert.rejects(call.send("late"), (err) => hasCode(err, StatusCode.failedPrecondition));
    await assert.rejects(call.finish(), (err) => hasCode(err, StatusCode.failedPrecondition));
  });

  test("takes a first message that came within the request", async () => {
    const { server } = startEcho();
    const [near, far] = memoryPair();
    server.accept(far);
    const peer = new RawPeer(near);
    const message = { service: "test.Echo", method: "Join", payload: new Uint8Array(Buffer.from("first")) };
    const data = ttrpc.Request.encode(message).finish();
    peer.send(
      { streamId: 1, type: 1, flags: 2, data },
      { streamId: 1, data: "second" },
      { streamId: 1, flags: 5 },
    );
    peer.send({ streamId: 3, type: 1, flags: 1, data });
    const answers = await peer.take(2);
    assert.deepEqual(answers.map(({ text }) => text).sort(), ["first", "first+second"]);
  });
});

describe("a stream both ways", () => {
  test("answers message by message", async () => {
    const { client } = startEcho();
    const call = client.chat();
    const answers = call[Symbol.asyncIterator]();
    for (const word of ["a", "b", "c"]) {
      await call.send(word);
      assert.deepEqual(await answers.next(), { done: false, value: word.toUpperCase() });
    }
    await call.end();
    assert.equal((await answers.next()).done, true);
  });

  test("lets the server go on after the client's end", async () => {
    const { client } = startEcho({
      async *chat(words) {
        const all = await collect(words);
        yield* all;
      },
    });
    const call = client.chat();
    await call.send("a");
    await call.send("b");
    await call.end();
    await call.end();
    assert.deepEqual(await collect(call), ["a", "b"]);
  });

  test("may be ended by the server first", async () => {
    const { client } = startEcho({
      async *chat() {
        yield "that is all";
      },
    });
    const call = client.chat();
    assert.deepEqual(await collect(call), ["that is all"]);
    await assert.rejects(call.send("more"), (err) => hasCode(err, StatusCode.failedPrecondition));
    await call.end();
  });

  test("is left by a reader who breaks off", async () => {
    const { client, connection } = startEcho();
    const call = client.chat();
    await call.send("a");
    for await (const _ of call) break;
    assert.equal(connection.activeCalls, 0);
    await assert.rejects(call.send("b"), (err) => hasCode(err, StatusCode.cancelled));
  });
});

describe("metadata", () => {
  test("travels with the request, in every kind of call", async () => {
    const seen: (string | undefined)[] = [];
    const { client } = startEcho({
      say: (word, { metadata }) => {
        seen.push(metadata.get("ns"));
        return word;
      },
      async *split(_, { metadata }) {
        seen.push(metadata.get("ns"));
        yield* [];
      },
      join: (_, { metadata }) => {
        seen.push(metadata.getAll("ns").join());
        return "";
      },
      async *chat(_, { metadata }) {
        seen.push(metadata.get("NS"));
        yield* [];
      },
    });
    await client.say("", { metadata: { ns: "1" } });
    await collect(client.split("", { metadata: new Metadata({ NS: "2" }) }));
    await client.join({ metadata: { ns: ["3", "4"] } }).finish();
    await collect(client.chat({ metadata: { ns: "5" } }));
    await client.say("");
    assert.deepEqual(seen, ["1", "2", "3,4", "5", undefined]);
  });
});

describe("the context of a handler", () => {
  test("names the method, and has no deadline where the client set none", async () => {
    const { client } = startEcho({
      say: (_, { path, deadline, signal }) => JSON.stringify([path, deadline ?? "none", signal.aborted]),
    });
    assert.equal(await client.say(""), '["/test.Echo/Say","none",false]');
  });
});
