import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { StatusCode } from "../../src/base/status.ts";
import { ttrpc } from "../../src/proto/index.ts";
import { FrameFlag, FrameType } from "../../src/ttrpc/frame.ts";
import { memoryPair, Server } from "../../src/ttrpc/index.ts";
import { echo, echoHandlers, startEcho } from "./echo-service.ts";
import { RawPeer, type Received, request, type Sent } from "./raw-peer.ts";

const { invalidArgument, unimplemented } = StatusCode;
const { remoteClosed, remoteOpen, noData } = FrameFlag;
const never = () => new Promise<never>(() => {});
const encoded = (message: ttrpc.Request.$Properties) => ttrpc.Request.encode(message).finish();
const garbage = Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0x01]);

/** What is answered: for each frame the stream, and the code of a response or the text of data. */
type Answers = readonly (readonly [streamId: number, code: number | string])[];

/**
 * Frames a client should not send, and what the server answers. Here "Say", "Split" and "Hold" are never answered
 * by their handlers, so that their streams stay active; "Pong" is a unary method that answers at once.
 */
const table: readonly (readonly [title: string, sent: readonly Sent[], answers: Answers])[] = [
  ["an even stream id", [request(2, "Say")], [[2, invalidArgument]]],
  ["stream id zero", [request(0, "Say")], [[0, invalidArgument]]],
  ["data on an even stream", [{ streamId: 4, data: "x" }], [[4, invalidArgument]]],
  ["data on a stream that never was", [{ streamId: 9, data: "x" }], [[9, invalidArgument]]],
  [
    "a close of a stream that never was",
    [{ streamId: 9, flags: remoteClosed | noData }],
    [[9, invalidArgument]],
  ],
  ["data on a unary stream", [request(1, "Say"), { streamId: 1, data: "x" }], [[1, invalidArgument]]],
  [
    "a close of a unary stream",
    [request(1, "Say"), { streamId: 1, flags: remoteClosed | noData }],
    [[1, invalidArgument]],
  ],
  [
    "data on a server stream",
    [request(1, "Split", { flags: remoteClosed, payload: "never" }), { streamId: 1, data: "x" }],
    [[1, invalidArgument]],
  ],
  [
    "data after the close",
    [request(1, "Hold", { flags: remoteOpen }), { flags: remoteClosed | noData }, { data: "late" }],
    [[1, invalidArgument]],
  ],
  [
    "a second close",
    [
      request(1, "Hold", { flags: remoteOpen }),
      { flags: remoteClosed | noData },
      { flags: remoteClosed | noData },
    ],
    [[1, invalidArgument]],
  ],
  [
    "data in a frame that says it has none",
    [request(1, "Hold", { flags: remoteOpen }), { flags: noData, data: "x" }],
    [[1, invalidArgument]],
  ],
  [
    "a stream id used twice while the first call runs, which ends it",
    [request(1, "Say"), request(1, "Say")],
    [[1, invalidArgument]],
  ],
  ["a stream id lower than one before", [request(5, "Say"), request(3, "Say")], [[3, invalidArgument]]],
  [
    "a stream id used again after its answer",
    [request(1, "Join", { flags: remoteClosed, payload: "x" }), request(1, "Say")],
    [
      [1, "x"],
      [1, invalidArgument],
    ],
  ],
  ["a response", [{ streamId: 1, type: FrameType.response }], [[1, invalidArgument]]],
  [
    "a response on an active stream, which ends it",
    [request(1, "Say"), { streamId: 1, type: FrameType.response }, { streamId: 1, data: "x" }],
    [
      [1, invalidArgument],
      [1, invalidArgument],
    ],
  ],
  [
    "a request that is no message",
    [{ streamId: 1, type: FrameType.request, data: garbage }],
    [[1, invalidArgument]],
  ],
  [
    "a request cut short",
    [
      {
        streamId: 1,
        type: FrameType.request,
        data: encoded({ service: "test.Echo", method: "Say" }).subarray(0, 7),
      },
    ],
    [[1, invalidArgument]],
  ],
  ["a request without a service", [{ streamId: 1, type: FrameType.request }], [[1, unimplemented]]],
  [
    "an unknown service",
    [{ streamId: 1, type: FrameType.request, data: encoded({ service: "a/../b", method: "\0" }) }],
    [[1, unimplemented]],
  ],
  ["an unknown method", [request(1, "toString")], [[1, unimplemented]]],
  ["a unary request for a server stream", [request(1, "Split")], [[1, invalidArgument]]],
  ["a unary request for a client stream", [request(1, "Join")], [[1, invalidArgument]]],
  ["an open request for a unary method", [request(1, "Say", { flags: remoteOpen })], [[1, invalidArgument]]],
  [
    "an open request for a server stream",
    [request(1, "Split", { flags: remoteOpen })],
    [[1, invalidArgument]],
  ],
  [
    "a request both open and closed",
    [request(1, "Join", { flags: remoteOpen | remoteClosed })],
    [[1, invalidArgument]],
  ],
  [
    "a message that cannot be decoded",
    [request(1, "Join", { flags: remoteClosed, payload: "!" })],
    [[1, invalidArgument]],
  ],
  [
    "a frame of an unknown type, which is left for later versions",
    [{ streamId: 1, type: 77, data: "x" }],
    [],
  ],
  ["a frame of type zero", [{ streamId: 1, type: 0, data: "x" }], []],
  [
    "unknown flags, which are left for later versions",
    [request(1, "Join", { flags: 0xf0 | remoteClosed, payload: "x" })],
    [[1, "x"]],
  ],
  [
    "a closed request for a unary method, which is as good",
    [request(1, "Pong", { flags: remoteClosed })],
    [[1, "pong"]],
  ],
  [
    "an end of data that crosses the answer",
    [request(1, "Pong"), { streamId: 1, flags: remoteClosed | noData }],
    [[1, "pong"]],
  ],
  [
    "a frame without data that closes nothing",
    [
      request(1, "Join", { flags: remoteOpen }),
      { flags: noData },
      { data: "x" },
      { flags: remoteClosed, data: "y" },
    ],
    [[1, "x+y"]],
  ],
  [
    "metadata with the names every object has",
    [
      {
        streamId: 1,
        type: FrameType.request,
        data: encoded({ service: "test.Echo", method: "Pong", metadata: [{ key: "__proto__", value: "x" }] }),
      },
    ],
    [[1, "pong"]],
  ],
];

function startServer(): Server {
  const { methods } = echo;
  const descriptor = {
    name: "test.Echo",
    methods: {
      ...methods,
      pong: { ...methods.say, name: "Pong" },
      hold: { ...methods.join, name: "Hold" },
    },
  } as const;
  return new Server().register(descriptor, {
    ...echoHandlers,
    say: never,
    async *split() {
      yield await never();
    },
    pong: () => "pong",
    hold: never,
  });
}

describe("a server that is sent", () => {
  for (const [title, sent, expected] of table) {
    test(title, async () => {
      const server = startServer();
      const [near, far] = memoryPair();
      const connection = server.accept(far);
      const peer = new RawPeer(near);
      const answers: Received[] = [];
      for (const frame of sent) {
        peer.send(frame);
        answers.push(...(await peer.all()));
      }
      const short = answers.map(({ streamId, code, text }) => [streamId, code === 0 ? text : code]);
      assert.deepEqual(short, expected);
      for (const { code, type, message } of answers) {
        assert.deepEqual([type, code === 0], [FrameType.response, message === ""]);
      }
      // Whatever it was, the connection lives.
      peer.send(request(101, "Pong"));
      assert.equal((await peer.take(1))[0]?.text, "pong");
      near.destroy();
      await connection.closed;
    });
  }

  test("a request full of metadata reads none of it", async () => {
    const server = startServer();
    const [near, far] = memoryPair();
    server.accept(far);
    const peer = new RawPeer(near);
    const metadata = (count: number) => Array.from({ length: count }, () => ({}));
    const answers: [code: number, message: string][] = [];
    for (const [n, count] of [1_000, 1_001, 500_000].entries()) {
      const data = encoded({ service: "test.Echo", method: "Pong", metadata: metadata(count) });
      peer.send({ streamId: 2 * n + 1, type: FrameType.request, data });
      const [answer] = await peer.take(1);
      answers.push([answer?.code ?? -1, answer?.message ?? ""]);
    }
    const refused = (id: number): [number, string] => [
      StatusCode.resourceExhausted,
      `stream ${id}: a request may have 1000 pairs of metadata, and this one has more`,
    ];
    assert.deepEqual(answers, [[0, ""], refused(3), refused(5)]);
  });

  test("more than requests under way may be long is refused, until one of them ends", async () => {
    const answer = deferred<string>();
    const { server } = startEcho({ say: () => answer.promise }, { maxCallBytes: 25_000 });
    const [near, far] = memoryPair();
    server.accept(far);
    const peer = new RawPeer(near);
    const long = (id: number) => request(id, "Say", { payload: "x".repeat(10_000) });
    peer.send(long(1), long(3), long(5));
    const [refused] = await peer.take(1);
    assert.deepEqual([refused?.streamId, refused?.code], [5, StatusCode.resourceExhausted]);
    assert.match(refused?.message ?? "", /have 200\d\d bytes, of 25000/);
    answer.resolve("ok");
    await peer.take(2);
    peer.send(long(7));
    assert.equal((await peer.take(1))[0]?.text, "ok");
  });

  test("all of this in one chunk answers each and keeps the connection", async () => {
    const [near, far] = memoryPair();
    startServer().accept(far);
    const peer = new RawPeer(near);
    peer.send(...table.flatMap(([, sent]) => sent), request(101, "Pong"));
    const answers = await peer.all();
    assert.equal(answers.at(-1)?.text, "pong");
    assert.ok(answers.length > 20);
  });
});
