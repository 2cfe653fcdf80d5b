import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { encodeFrame, FrameType, MAX_DATA_LENGTH } from "../../src/ttrpc/frame.ts";
import { ClientConnection, createClient, memoryPair } from "../../src/ttrpc/index.ts";
import { collect, echo, settle, startEcho } from "./echo-service.ts";
import { RawPeer, request, response } from "./raw-peer.ts";

const tooLong = "x".repeat(MAX_DATA_LENGTH + 1);
const isTooLong = (err: unknown) =>
  hasCode(err, StatusCode.resourceExhausted) &&
  /^message of \d+ bytes exceeds the limit of 4194304 bytes$/.test(err.message);

/** A frame whose header announces `length` bytes. */
function announce(streamId: number, type: number, length: number): Buffer {
  const wire = Buffer.from(encodeFrame({ streamId, type, flags: 0, data: new Uint8Array(0) }));
  wire.writeUInt32BE(length, 0);
  return wire;
}

describe("a message too long to send", () => {
  test("is refused to a caller before anything is sent, and the connection lives", async () => {
    const { client, connection, server } = startEcho();
    await assert.rejects(client.say(tooLong), isTooLong);
    assert.throws(() => client.split(tooLong), isTooLong);
    assert.deepEqual([connection.activeCalls, server.activeCalls], [0, 0]);
    assert.equal(await client.say("still here"), "still here");
  });

  test("is refused to a stream's sender, and the stream goes on", async () => {
    const { client } = startEcho();
    const call = client.join();
    await call.send("a");
    await assert.rejects(call.send(tooLong), isTooLong);
    await call.send("b");
    assert.equal(await call.finish(), "a+b");
  });

  test("from a handler is answered resourceExhausted, in every kind of call", async () => {
    const { client } = startEcho({
      say: (word) => (word === "long" ? tooLong : word),
      join: () => tooLong,
      async *split() {
        yield "first";
        yield tooLong;
      },
      async *chat() {
        yield tooLong;
      },
    });
    await assert.rejects(client.say("long"), isTooLong);
    await assert.rejects(client.join().finish(), isTooLong);
    const split = client.split("x");
    assert.equal((await split.next()).value, "first");
    await assert.rejects(split.next(), isTooLong);
    await assert.rejects(collect(client.chat()), isTooLong);
    assert.equal(await client.say("still here"), "still here");
  });

  test("counts with what the protocol wraps it in; the longest that fits passes", async () => {
    const { client } = startEcho();
    // A data frame carries the message bare, a request and a response within a message of their own.
    const longest = "x".repeat(MAX_DATA_LENGTH);
    await assert.rejects(client.say(longest), isTooLong);
    const fits = "x".repeat(MAX_DATA_LENGTH - 64);
    assert.equal(await client.say(fits), fits);
    const chat = client.chat();
    await chat.send(longest);
    await chat.end();
    assert.deepEqual(await collect(chat), [longest.toUpperCase()]);
  });
});

describe("a frame too long to take", () => {
  test("is answered on its stream by the server as soon as its header is there", async () => {
    const { server } = startEcho();
    const [near, far] = memoryPair();
    server.accept(far);
    const peer = new RawPeer(near);
    near.write(announce(1, FrameType.request, MAX_DATA_LENGTH + 1));
    const [answer] = await peer.take(1);
    assert.deepEqual([answer?.streamId, answer?.type, answer?.code], [1, 2, StatusCode.resourceExhausted]);
    near.write(Buffer.alloc(MAX_DATA_LENGTH + 1));
    peer.send(request(3, "Say", { payload: "still here" }));
    assert.equal((await peer.take(1))[0]?.text, "still here");
  });

  test("uses up the id of its stream", async () => {
    const { near } = startEcho();
    near.removeAllListeners("data");
    const peer = new RawPeer(near);
    near.write(announce(5, FrameType.request, MAX_DATA_LENGTH + 1));
    near.write(Buffer.alloc(MAX_DATA_LENGTH + 1));
    peer.send(request(5, "Say", { payload: "again" }));
    const answers = await peer.take(2);
    assert.deepEqual(
      answers.map(({ code }) => code),
      [StatusCode.resourceExhausted, StatusCode.invalidArgument],
    );
  });

  test("ends the stream it belongs to at the server, and no other", async () => {
    const failed: unknown[] = [];
    const { server } = startEcho({
      join: (words) =>
        collect(words).then(String, (err) => {
          failed.push(err);
          throw err;
        }),
    });
    const [near, far] = memoryPair();
    server.accept(far);
    const peer = new RawPeer(near);
    peer.send(request(1, "Join", { flags: 2 }), request(3, "Join", { flags: 2 }));
    near.write(announce(1, FrameType.data, MAX_DATA_LENGTH + 1));
    near.write(Buffer.alloc(MAX_DATA_LENGTH + 1));
    peer.send({ streamId: 3, data: "b" }, { streamId: 3, flags: 5 });
    const answers = await peer.take(2);
    assert.deepEqual(
      answers.map(({ streamId, code, text }) => [streamId, code, text]),
      [
        [1, StatusCode.resourceExhausted, ""],
        [3, 0, "b"],
      ],
    );
    assert.ok(failed.length === 1 && isTooLong(failed[0]));
  });

  test("fails its call at the client, and no other", async () => {
    const [near, far] = memoryPair();
    const client = createClient(echo, new ClientConnection(near));
    const peer = new RawPeer(far);
    const [first, second] = [client.say("a"), client.say("b")];
    await peer.take(2);
    far.write(announce(1, FrameType.response, MAX_DATA_LENGTH + 1));
    far.write(Buffer.alloc(MAX_DATA_LENGTH + 1));
    peer.send(response(3, { text: "b" }));
    await assert.rejects(first, isTooLong);
    assert.equal(await second, "b");
  });

  test("of no call is skipped by the client", async () => {
    const [near, far] = memoryPair();
    const client = createClient(echo, new ClientConnection(near));
    const peer = new RawPeer(far);
    far.write(announce(77, FrameType.response, MAX_DATA_LENGTH + 1));
    far.write(Buffer.alloc(MAX_DATA_LENGTH + 1));
    const call = client.say("a");
    await peer.take(1);
    peer.send(response(1, { text: "a" }));
    assert.equal(await call, "a");
    await settle();
  });
});
