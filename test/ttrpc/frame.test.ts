import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  encodeFrame,
  type Frame,
  FrameDecoder,
  FrameFlag,
  FrameType,
  frameTypeName,
  HEADER_LENGTH,
  MAX_DATA_LENGTH,
  MAX_STREAM_ID,
  type OversizedFrame,
} from "../../src/ttrpc/frame.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);
const { request, response, data } = FrameType;

/** Frames and the very bytes they have on the wire. */
const table: readonly (readonly [title: string, frame: Frame, wire: string])[] = [
  [
    "a unary request",
    { streamId: 1, type: request, flags: 0, data: bytes(0xaa) },
    "00000001 00000001 01 00 aa",
  ],
  [
    "a request whose stream stays open",
    { streamId: 3, type: request, flags: FrameFlag.remoteOpen, data: bytes(1, 2) },
    "00000002 00000003 01 02 0102",
  ],
  ["an empty response", { streamId: 5, type: response, flags: 0, data: bytes() }, "00000000 00000005 02 00"],
  [
    "the end of a stream's data",
    { streamId: 7, type: data, flags: FrameFlag.remoteClosed | FrameFlag.noData, data: bytes() },
    "00000000 00000007 03 05",
  ],
  [
    "the highest stream id",
    { streamId: MAX_STREAM_ID, type: data, flags: 0, data: bytes(0) },
    "00000001 ffffffff 03 00 00",
  ],
  [
    "an unknown type and unknown flags",
    { streamId: 0, type: 0xfe, flags: 0xf8, data: bytes(9, 8, 7) },
    "00000003 00000000 fe f8 090807",
  ],
  [
    "a length of more than one byte",
    { streamId: 9, type: response, flags: 0, data: new Uint8Array(0x010203).fill(7) },
    `00010203 00000009 02 00 ${"07".repeat(0x010203)}`,
  ],
];

const fromHex = (hex: string) => new Uint8Array(Buffer.from(hex.replaceAll(" ", ""), "hex"));

/** Feeds the bytes in the given pieces and returns all frames. */
function decodePieces(decoder: FrameDecoder, whole: Uint8Array, sizes: Iterable<number>) {
  const frames: (Frame | OversizedFrame)[] = [];
  let at = 0;
  for (const size of sizes) {
    frames.push(...decoder.push(whole.subarray(at, at + size)));
    at += size;
  }
  frames.push(...decoder.push(whole.subarray(at)));
  return frames;
}

function* ones(count: number) {
  for (let i = 0; i < count; i++) yield 1;
}

describe("encodeFrame", () => {
  for (const [title, frame, wire] of table) {
    test(`writes ${title}`, () => {
      assert.equal(Buffer.from(encodeFrame(frame)).toString("hex"), wire.replaceAll(" ", ""));
    });
  }

  test("copies the data, so that the caller may reuse it", () => {
    const payload = bytes(1, 2, 3);
    const wire = encodeFrame({ streamId: 1, type: data, flags: 0, data: payload });
    payload.fill(9);
    assert.deepEqual([...wire.subarray(HEADER_LENGTH)], [1, 2, 3]);
  });
});

describe("FrameDecoder", () => {
  for (const [title, frame, wire] of table) {
    test(`reads ${title}`, () => {
      const decoder = new FrameDecoder();
      assert.deepEqual(decoder.push(fromHex(wire)), [frame]);
      assert.equal(decoder.atBoundary, true);
    });
  }

  const small = table.slice(0, 6);
  const conversation = fromHex(small.map(([, , wire]) => wire).join(""));
  const frames = small.map(([, frame]) => frame);

  test("reads frames that come byte by byte", () => {
    const decoder = new FrameDecoder();
    assert.deepEqual(decodePieces(decoder, conversation, ones(conversation.length)), frames);
    assert.equal(decoder.atBoundary, true);
  });

  test("reads frames split at any point", () => {
    for (let split = 0; split <= conversation.length; split++) {
      assert.deepEqual(decodePieces(new FrameDecoder(), conversation, [split]), frames, `split at ${split}`);
    }
  });

  test("reads frames split at any two points", () => {
    for (let first = 0; first <= conversation.length; first++) {
      for (let second = 0; second <= conversation.length - first; second++) {
        const pieces = decodePieces(new FrameDecoder(), conversation, [first, second]);
        assert.equal(pieces.length, frames.length, `split at ${first} and ${first + second}`);
        assert.deepEqual(pieces.at(-1), frames.at(-1));
      }
    }
  });

  test("reads frames however they are cut, at any size of the pieces", () => {
    for (let size = 1; size <= conversation.length; size++) {
      const count = Math.floor(conversation.length / size);
      const sizes = Array.from({ length: count }, () => size);
      assert.deepEqual(decodePieces(new FrameDecoder(), conversation, sizes), frames, `pieces of ${size}`);
    }
  });

  test("ignores empty chunks", () => {
    const decoder = new FrameDecoder();
    assert.deepEqual(decoder.push(bytes()), []);
    assert.deepEqual(decodePieces(decoder, conversation, [0, 4, 0, 0, 6, 0]), frames);
  });

  test("gives a frame as soon as its last byte is there, and not before", () => {
    const wire = encodeFrame({ streamId: 1, type: request, flags: 0, data: bytes(1, 2) });
    const decoder = new FrameDecoder();
    for (const byte of wire.subarray(0, -1)) assert.deepEqual(decoder.push(bytes(byte)), []);
    assert.equal(decoder.push(wire.subarray(-1)).length, 1);
  });

  test("gives an empty frame with the last byte of its header", () => {
    const decoder = new FrameDecoder();
    assert.deepEqual(decoder.push(fromHex("00000000 00000005 02")), []);
    assert.equal(decoder.push(bytes(0)).length, 1);
  });

  for (const [what, sizes, views] of [
    ["copies no data that is most of its chunk", [30], [true]],
    ["copies no data that is a good part of its chunk", [30, 30, 30], [true, true, true]],
    ["keeps no chunk alive by a small part of it", [1, 100, 1], [false, true, false]],
  ] as const) {
    test(what, () => {
      const whole = sizes.map((size) => ({ streamId: 1, type: data, flags: 0, data: new Uint8Array(size) }));
      const chunk = Buffer.concat(whole.map(encodeFrame));
      const found = new FrameDecoder().push(chunk);
      assert.deepEqual(found, whole);
      assert.deepEqual(
        found.map((frame) => "data" in frame && frame.data.buffer === chunk.buffer),
        views,
      );
    });
  }

  test("gives plain byte arrays also for chunks that are Buffers", () => {
    const wire = Buffer.from(encodeFrame({ streamId: 1, type: request, flags: 0, data: bytes(1) }));
    const [frame] = new FrameDecoder().push(wire);
    assert.ok(frame !== undefined && "data" in frame);
    assert.equal(Buffer.isBuffer(frame.data), false);
  });

  for (const cut of [1, 4, 9]) {
    test(`knows that ${cut} bytes of a header are no boundary`, () => {
      const decoder = new FrameDecoder();
      decoder.push(new Uint8Array(cut));
      assert.equal(decoder.atBoundary, false);
    });
  }

  test("knows that a header without its data is no boundary", () => {
    const decoder = new FrameDecoder();
    decoder.push(fromHex("00000002 00000001 01 00 01"));
    assert.equal(decoder.atBoundary, false);
    decoder.push(bytes(2));
    assert.equal(decoder.atBoundary, true);
  });
});

describe("FrameDecoder at the limit", () => {
  const header = (length: number) => {
    const wire = encodeFrame({ streamId: 5, type: request, flags: 2, data: bytes() });
    new DataView(wire.buffer, wire.byteOffset).setUint32(0, length);
    return wire;
  };
  const after = { streamId: 7, type: data, flags: 0, data: bytes(1) };

  test("takes a frame of exactly the limit", () => {
    const decoder = new FrameDecoder(3);
    assert.equal(decoder.push(header(3)).length, 0);
    assert.deepEqual(decoder.push(bytes(1, 2, 3)), [
      { streamId: 5, type: request, flags: 2, data: bytes(1, 2, 3) },
    ]);
  });

  test("takes 4 MiB by default, and not a byte more", () => {
    const decoder = new FrameDecoder();
    const [frame] = decodePieces(decoder, header(MAX_DATA_LENGTH), []).concat(
      decoder.push(new Uint8Array(MAX_DATA_LENGTH)),
    );
    assert.ok(frame !== undefined && "data" in frame);
    assert.equal(frame.data.length, MAX_DATA_LENGTH);
    const oversized = { streamId: 5, type: request, flags: 2, oversized: MAX_DATA_LENGTH + 1 };
    assert.deepEqual(decoder.push(header(MAX_DATA_LENGTH + 1)), [oversized]);
  });

  test("tells of an oversized frame at its header, skips its data and goes on", () => {
    const wire = Buffer.concat([header(5), bytes(1, 2, 3, 4, 5), encodeFrame(after)]);
    for (let split = 0; split <= wire.length; split++) {
      const frames = decodePieces(new FrameDecoder(4), wire, [split]);
      assert.deepEqual(
        frames,
        [{ streamId: 5, type: request, flags: 2, oversized: 5 }, after],
        `at ${split}`,
      );
    }
  });

  test("skips the longest frame a header can announce without storing it", () => {
    const decoder = new FrameDecoder();
    assert.deepEqual(decoder.push(header(0xffff_ffff)), [
      { streamId: 5, type: request, flags: 2, oversized: 0xffff_ffff },
    ]);
    const chunk = new Uint8Array(1 << 20);
    for (let skipped = 0; skipped < 4095; skipped++) assert.equal(decoder.push(chunk).length, 0);
    assert.equal(decoder.atBoundary, false);
    decoder.push(chunk.subarray(1));
    assert.equal(decoder.atBoundary, true);
    assert.deepEqual(decoder.push(encodeFrame(after)), [after]);
  });

  test("allocates by what has come, not by what a header announces", () => {
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 500 }, () => new FrameDecoder());
    for (const decoder of decoders) decoder.push(Buffer.concat([header(MAX_DATA_LENGTH), bytes(1)]));
    // 500 frames of 4 MiB would be 2 GB.
    assert.ok(process.memoryUsage().arrayBuffers - before < 64 << 20);
    assert.ok(decoders.every((decoder) => !decoder.atBoundary));
  });

  test("takes a large frame in tiny pieces in linear time", () => {
    const decoder = new FrameDecoder();
    const whole = Buffer.concat([header(1 << 20), Buffer.alloc(1 << 20, 7)]);
    let copied = 0;
    // Counts what is copied when the buffer grows: at most twice the frame, however small the pieces.
    for (const frame of decodePieces(decoder, whole, ones(whole.length))) {
      assert.ok("data" in frame);
      copied += frame.data.length;
      assert.ok(frame.data.every((byte) => byte === 7));
    }
    assert.equal(copied, 1 << 20);
  });
});

describe("frameTypeName", () => {
  const names: readonly (readonly [number, string])[] = [
    [1, "request"],
    [2, "response"],
    [3, "data"],
    [0, "type 0"],
    [77, "type 77"],
  ];
  for (const [type, name] of names) {
    test(`calls ${type} ${name}`, () => assert.equal(frameTypeName(type), name));
  }
});
