import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { FrameFlag, FrameType } from "../../src/ttrpc/frame.ts";
import { ClientConnection, createClient, memoryPair } from "../../src/ttrpc/index.ts";
import { collect, echo, settle } from "./echo-service.ts";
import { RawPeer, request, response, type Sent } from "./raw-peer.ts";

const { remoteClosed, noData } = FrameFlag;
const garbage = Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0x01]);
type Kind = "say" | "split" | "join" | "chat";

/** Starts the call on stream 1 and resolves to what came of it. */
const callers: Readonly<Record<Kind, (connection: ClientConnection) => Promise<string>>> = {
  say: (connection) => createClient(echo, connection).say("x"),
  split: async (connection) => (await collect(createClient(echo, connection).split("x"))).join(),
  join: async (connection) => {
    const call = createClient(echo, connection).join();
    await call.send("x");
    return call.finish();
  },
  chat: async (connection) => (await collect(createClient(echo, connection).chat())).join(),
};

/** What a server should not send, for the call it is sent in, and what the caller gets. */
const table: readonly (readonly [
  title: string,
  kind: Kind,
  sent: readonly Sent[],
  outcome: string | RegExp,
])[] = [
  ["data in a unary call", "say", [{ data: "x" }], /data on a unary stream \(stream 1\)$/],
  ["a close in a unary call", "say", [{ flags: remoteClosed | noData }], /data on a unary stream/],
  ["data in a client stream", "join", [{ data: "x" }], /data instead of a response/],
  ["a close in a client stream", "join", [{ flags: remoteClosed | noData }], /data instead of a response/],
  [
    "a response that is no message",
    "say",
    [{ type: FrameType.response, data: garbage }],
    /malformed response/,
  ],
  [
    "such a response to a stream",
    "split",
    [{ data: "a" }, { type: FrameType.response, data: garbage }],
    /malformed/,
  ],
  ["a request", "say", [request(1, "Say")], /unexpected request frame/],
  ["a frame of an unknown type", "chat", [{ type: 9 }], /unexpected type 9 frame/],
  ["data in a frame that says it has none", "split", [{ flags: noData, data: "x" }], /says it has none/],
  ["two responses", "say", [response(1, { text: "first" }), response(1, { text: "second" })], "first"],
  [
    "an error after the response",
    "say",
    [response(1, { text: "ok" }), response(1, { code: 5, message: "no" })],
    "ok",
  ],
  ["data after the close", "split", [{ data: "a" }, { flags: remoteClosed | noData }, { data: "b" }], "a"],
  ["data after the response", "chat", [{ data: "a" }, response(1, {}), { data: "b" }], "a"],
  ["a response to no call", "say", [response(77, { text: "who" }), response(1, { text: "ok" })], "ok"],
  [
    "an error to no call",
    "say",
    [response(3, { code: 13, message: "who" }), response(1, { text: "ok" })],
    "ok",
  ],
  ["frames of even streams", "say", [request(2, "Say"), { streamId: 4 }, response(1, { text: "ok" })], "ok"],
  ["data to no call", "say", [{ streamId: 9, data: "x" }, response(1, { text: "ok" })], "ok"],
  ["an answer that cannot be decoded", "say", [response(1, { text: "!" })], /the answer is malformed/],
  [
    "a frame without data that closes nothing",
    "split",
    [{ flags: noData }, { data: "a" }, response(1, {})],
    "a",
  ],
  [
    "unknown flags",
    "split",
    [
      { flags: 0xf0, data: "a" },
      { flags: 0xf0 | remoteClosed, data: "b" },
    ],
    "a,b",
  ],
  ["a success that brings a message", "say", [response(1, { text: "ok", message: "fine" })], "ok"],
];

describe("a client that is sent", () => {
  for (const [title, kind, sent, outcome] of table) {
    test(`${title} ${typeof outcome === "string" ? "ignores it" : "fails that call"}`, async () => {
      const [near, far] = memoryPair();
      const connection = new ClientConnection(near);
      const peer = new RawPeer(far);
      const call = callers[kind](connection);
      call.catch(() => {});
      await settle();
      peer.send(...sent.map((frame) => ({ streamId: 1, ...frame })));
      if (typeof outcome === "string") {
        assert.equal(await call, outcome);
      } else {
        await assert.rejects(call, (err) => {
          assert.ok(hasCode(err, StatusCode.internal));
          assert.match(err.message, outcome);
          return err.message.startsWith("/test.Echo/");
        });
      }
      await settle();
      assert.equal(connection.activeCalls, 0);
      // Whatever it was, the connection lives.
      const next = createClient(echo, connection).say("next");
      await settle();
      peer.send(response(3, { text: "next" }));
      assert.equal(await next, "next");
    });
  }

  test("answers before it has asked anything goes on", async () => {
    const [near, far] = memoryPair();
    const connection = new ClientConnection(near);
    const peer = new RawPeer(far);
    peer.send(response(1, { text: "early" }));
    await settle();
    const call = createClient(echo, connection).say("x");
    await peer.take(1);
    peer.send(response(1, { text: "in time" }));
    assert.equal(await call, "in time");
  });
});
