import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { encodeFrame, FrameDecoder, HEADER_LENGTH } from "../../src/ttrpc/frame.ts";
import { ClientConnection, createClient, memoryPair, Server } from "../../src/ttrpc/index.ts";
import { collect, echo, echoHandlers, settle } from "./echo-service.ts";
import { RawPeer, request, response, toBytes } from "./raw-peer.ts";

/** A small generator of repeatable numbers (mulberry32), so that a failing round can be run again. */
function random(seed: number) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return { below, bytes: (length: number) => Uint8Array.from({ length }, () => below(256)) };
}
type Random = ReturnType<typeof random>;

/** Valid conversations of a client, to be damaged. */
const asked = [
  [request(1, "Say", { payload: "hello" }), request(3, "Split", { flags: 1, payload: "abc" })],
  [
    request(1, "Join", { flags: 2 }),
    { streamId: 1, data: "a" },
    { streamId: 1, data: "b" },
    { streamId: 1, flags: 5 },
  ],
  [request(1, "Chat", { flags: 2 }), { streamId: 1, data: "x" }, { streamId: 1, flags: 5 }],
  [request(1, "Say", { timeoutNano: 1e9, payload: "late" }), request(3, "Nothing"), request(5, "Say")],
].map((frames) => Buffer.concat(frames.map(toBytes)));

/** Valid conversations of a server with the client of {@link fuzzClient}. */
const answered = [
  [
    response(1, { text: "hello" }),
    { streamId: 3, data: "a" },
    { streamId: 3, flags: 5 },
    response(5, { text: "joined" }),
  ],
  [
    { streamId: 7, data: "X" },
    response(1, { code: 5, message: "no" }),
    response(7, {}),
    response(3, { code: 13 }),
  ],
  [
    response(5, { text: "early" }),
    { streamId: 7, flags: 1, data: "Y" },
    { streamId: 3, flags: 4 },
    response(1, {}),
  ],
].map((frames) => Buffer.concat(frames.map(toBytes)));

/** Damages bytes in one of several ways. */
const mutations: readonly ((wire: Buffer, rng: Random) => Buffer)[] = [
  (wire, rng) => {
    const copy = Buffer.from(wire);
    for (let i = 0; i <= rng.below(4); i++) copy[rng.below(copy.length)] = rng.below(256);
    return copy;
  },
  (wire, rng) => {
    const copy = Buffer.from(wire);
    const at = rng.below(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << rng.below(8));
    return copy;
  },
  (wire, rng) => wire.subarray(0, rng.below(wire.length)),
  (wire, rng) => {
    const at = rng.below(wire.length);
    return Buffer.concat([wire.subarray(0, at), rng.bytes(rng.below(20)), wire.subarray(at)]);
  },
  (wire, rng) => {
    const [from, to] = [rng.below(wire.length), rng.below(wire.length)].sort((a, b) => a - b);
    return Buffer.concat([wire.subarray(0, from), wire.subarray(to)]);
  },
  (wire, rng) => {
    const frames = new FrameDecoder().push(wire).flatMap((frame) => ("data" in frame ? [frame] : []));
    return Buffer.concat(frames.sort(() => rng.below(3) - 1).map(encodeFrame));
  },
  (wire, rng) => Buffer.concat([wire, rng.below(2) === 0 ? wire : rng.bytes(rng.below(60))]),
];

function damage(wire: Buffer | undefined, rng: Random): Buffer {
  let bytes = wire ?? Buffer.alloc(0);
  for (let i = 0; i <= rng.below(3); i++) {
    if (bytes.length > 0) bytes = mutations[rng.below(mutations.length)]?.(bytes, rng) ?? bytes;
  }
  return bytes;
}

/** Random bytes that have the look of frames, so that they get past the header. */
function likeFrames(rng: Random): Buffer {
  const frames = Array.from({ length: 1 + rng.below(6) }, () => {
    const data = rng.bytes(rng.below(30));
    return encodeFrame({ streamId: rng.below(10), type: rng.below(5), flags: rng.below(8), data });
  });
  return Buffer.concat(frames);
}

/** Writes bytes in pieces of random size. */
function feed(stream: Duplex, bytes: Uint8Array, rng: Random): void {
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + rng.below(bytes.length);
    if (!stream.destroyed) stream.write(bytes.subarray(at, at + size));
    at += size;
  }
}

async function fuzzServer(server: Server, bytes: Uint8Array, rng: Random): Promise<void> {
  const [near, far] = memoryPair();
  const connection = server.accept(far);
  near.on("error", () => {});
  near.resume();
  feed(near, bytes, rng);
  await settle();
  near.end();
  await connection.closed;
}

async function fuzzClient(bytes: Uint8Array, rng: Random): Promise<void> {
  const [near, far] = memoryPair();
  const connection = new ClientConnection(near);
  const client = createClient(echo, connection);
  const join = client.join();
  const calls = [
    client.say("hello"),
    collect(client.split("abc")),
    join.send("a").then(() => join.finish()),
    collect(client.chat()),
  ];
  const ended = Promise.allSettled(calls);
  far.on("error", () => {});
  far.resume();
  feed(far, bytes, rng);
  far.end();
  await connection.closed;
  // Each call has ended, one way or another.
  await ended;
  assert.equal(connection.activeCalls, 0);
}

/** Runs many rounds, several at a time; says which one failed. */
async function rounds(count: number, run: (rng: Random) => Promise<void>): Promise<void> {
  const one = async (seed: number) => {
    try {
      await run(random(seed));
    } catch (cause) {
      throw new Error(`round ${seed} failed`, { cause });
    }
  };
  const AT_ONCE = 100;
  for (let first = 0; first < count; first += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => one(first + i)));
  }
}

describe("whatever bytes come", () => {
  const sources: readonly (readonly [string, (rng: Random, valid: readonly Buffer[]) => Uint8Array])[] = [
    ["random bytes", (rng) => rng.bytes(rng.below(200))],
    ["random frames", (rng) => likeFrames(rng)],
    ["damaged conversations", (rng, valid) => damage(valid[rng.below(valid.length)], rng)],
  ];

  for (const [title, make] of sources) {
    test(`the server survives ${title}, and goes on to serve`, async () => {
      const server = new Server().register(echo, echoHandlers);
      await rounds(1_500, (rng) => fuzzServer(server, make(rng, asked), rng));
      await settle();
      assert.deepEqual([server.connections, server.activeCalls], [0, 0]);
      const [near, far] = memoryPair();
      server.accept(far);
      assert.equal(await createClient(echo, new ClientConnection(near)).say("alive"), "alive");
    });

    test(`the client survives ${title}, and every call ends`, async () => {
      await rounds(1_500, (rng) => fuzzClient(make(rng, answered), rng));
    });

    test(`the decoder gives the same frames for ${title}, however they are cut`, () => {
      for (let seed = 0; seed < 3_000; seed++) {
        const rng = random(seed);
        const bytes = make(rng, asked);
        const whole = new FrameDecoder(64).push(bytes);
        const decoder = new FrameDecoder(64);
        const pieces: typeof whole = [];
        for (let at = 0; at < bytes.length; ) {
          const size = 1 + rng.below(2 * HEADER_LENGTH);
          pieces.push(...decoder.push(bytes.subarray(at, at + size)));
          at += size;
        }
        assert.deepEqual(pieces, whole, `round ${seed}`);
      }
    });
  }

  test("a valid conversation in tiny pieces is answered as ever", async () => {
    const server = new Server().register(echo, echoHandlers);
    const [near, far] = memoryPair();
    server.accept(far);
    const peer = new RawPeer(near);
    for (const byte of asked[0] ?? []) near.write(Uint8Array.of(byte));
    const texts = (await peer.all()).map(({ text }) => text).sort();
    assert.deepEqual(texts, ["", "a", "b", "c", "hello"]);
  });
});
