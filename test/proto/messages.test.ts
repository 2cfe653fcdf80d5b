import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as proto from "../../src/proto/index.ts";
import { io } from "../../src/proto/metrics.ts";
import { WIRE_FACTS } from "./wire-facts.ts";

interface Codec {
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
}

interface Sample {
  readonly message: Record<string, unknown>;
  readonly bytes: Buffer;
}

/** An encoder of this test's own: nothing of protobufjs takes part in what is expected. */
function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}

/** A 64-bit number as its varint, negative ones in two's complement. */
function hexOf(value: bigint): string {
  return varint(BigInt.asUintN(64, value)).toString("hex");
}

function lengthDelimited(number: number, body: Uint8Array): Buffer {
  return Buffer.concat([varint(BigInt(number * 8 + 2)), varint(BigInt(body.length)), body]);
}

function numeric(number: number, value: number): Buffer {
  return Buffer.concat([varint(BigInt(number * 8)), varint(BigInt(value))]);
}

function double(number: number, value: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeDoubleLE(value);
  return Buffer.concat([varint(BigInt(number * 8 + 1)), body]);
}

/** A value of one field and its bytes; each field's value is made from its number, so no two are alike. */
function sampleField(number: number, kind: string): { value: unknown; bytes: Buffer } {
  const text = `text ${number} ü`;
  if (kind.startsWith("@")) {
    const { message, bytes } = sample(kind.slice(1));
    return { value: message, bytes: lengthDelimited(number, bytes) };
  }
  if (kind.startsWith("*")) {
    const { value, bytes } = sampleField(number, kind.slice(1));
    return { value: [value, value], bytes: Buffer.concat([bytes, bytes]) };
  }
  if (kind === "s") return { value: text, bytes: lengthDelimited(number, Buffer.from(text)) };
  if (kind === "y") return { value: Buffer.from(text), bytes: lengthDelimited(number, Buffer.from(text)) };
  if (kind === "b") return { value: true, bytes: numeric(number, 1) };
  if (kind === "n") return { value: 1000 + number, bytes: numeric(number, 1000 + number) };
  if (kind === "d") return { value: number / 4, bytes: double(number, number / 4) };
  if (kind === "p") {
    const body = Buffer.concat([varint(BigInt(number)), varint(300n)]);
    return { value: [number, 300], bytes: lengthDelimited(number, body) };
  }
  assert.equal(kind, "m", `no such kind of field: ${kind}`);
  const entry = Buffer.concat([lengthDelimited(1, Buffer.from("k")), lengthDelimited(2, Buffer.from(text))]);
  return { value: { k: text }, bytes: lengthDelimited(number, entry) };
}

/** A message with every field set, and its bytes in the order of the field numbers. */
function sample(name: string): Sample {
  const words = WIRE_FACTS[name]?.split(" ").filter((word) => word !== "");
  assert.ok(words !== undefined, `${name} is not among the facts`);
  const fields = words.map((word) => {
    const [, field = "", number = "", kind = ""] = /^(\w+)=(\d+)(.+)$/.exec(word) ?? [];
    return { field, ...sampleField(Number(number), kind) };
  });
  const message = Object.fromEntries(fields.map(({ field, value }) => [field, value]));
  return { message, bytes: Buffer.concat(fields.map(({ bytes }) => bytes)) };
}

function isCodec(value: unknown): value is Codec {
  return typeof value === "function" && "encode" in value && "decode" in value;
}

/** Every message class of the generated tree, by its full name. */
function codecs(tree: object = proto, prefix = ""): [string, Codec][] {
  return Object.entries(tree).flatMap(([name, value]): [string, Codec][] => {
    if (isCodec(value)) return [[prefix + name, value]];
    return value !== null && typeof value === "object" ? codecs(value, `${prefix}${name}.`) : [];
  });
}

const { containerd, google, runtimeoptions, ttrpc } = proto;
const generated = new Map(codecs({ containerd, google, io, runtimeoptions, ttrpc }));

describe("every message has the field numbers of containerd's API", () => {
  for (const [name, codec] of generated) {
    test(name, () => {
      const { message, bytes } = sample(name);
      assert.equal(Buffer.from(codec.encode(message).finish()).toString("hex"), bytes.toString("hex"));
      assert.deepEqual(plain(codec.decode(bytes)), plain(message));
      assert.deepEqual(plain(codec.decode(new Uint8Array(bytes))), plain(message));
    });
  }

  test("no message of the facts is missing", () => {
    assert.deepEqual([...generated.keys()].sort(), Object.keys(WIRE_FACTS).sort());
  });
});

/** The fields alone, without classes, prototypes and kinds of byte arrays. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, plain(inner)]),
  );
}

describe("64-bit fields are numbers", () => {
  const { MemoryEntry, CPUUsage } = io.containerd.cgroups.v1;
  const unsigned: [string, number, string][] = [
    ["one", 1, "01"],
    ["2^32", 2 ** 32, "8080808010"],
    ["2^53 - 1, the last exact one", 2 ** 53 - 1, "ffffffffffffff0f"],
    ["2^63 - 4096, no limit in cgroup v1", 2 ** 63 - 4096, "80e0ffffffffffff7f"],
    ["2^63", 2 ** 63, "80808080808080808001"],
    ["2^64 - 1, no limit in cgroup v2", Number(2n ** 64n - 1n), "ffffffffffffffffff01"],
  ];
  for (const [title, value, hex] of unsigned) {
    test(`unsigned: ${title}`, () => {
      assert.equal(Buffer.from(MemoryEntry.encode({ limit: value }).finish()).toString("hex"), `08${hex}`);
      assert.equal(MemoryEntry.decode(Buffer.from(`08${hex}`, "hex")).limit, value);
    });
  }

  const exact: [string, bigint, string][] = [
    ["2^53 + 1", 2n ** 53n + 1n, "8180808080808010"],
    ["2^63 + 1", 2n ** 63n + 1n, "81808080808080808001"],
    ["2^64 - 1", 2n ** 64n - 1n, "ffffffffffffffffff01"],
    ["beyond the type, its end", 2n ** 64n, "ffffffffffffffffff01"],
    ["less than nothing, nothing", -1n, "00"],
  ];
  for (const [title, value, hex] of exact) {
    test(`or bigints where every digit counts: ${title}`, () => {
      const bytes = proto.encodeExact(CPUUsage, { total: value, perCpu: [value, 1] });
      const packed = `22${(hex.length / 2 + 1).toString(16).padStart(2, "0")}${hex}01`;
      assert.equal(Buffer.from(bytes).toString("hex"), `08${hex}${packed}`);
    });
  }

  const signed: [string, number, string][] = [
    ["minus one", -1, "ffffffffffffffffff01"],
    ["the year 0", -62_167_219_200, hexOf(-62_167_219_200n)],
    ["the year 9999", 253_402_300_799, hexOf(253_402_300_799n)],
    ["2^63 - 1", Number(2n ** 63n - 1n), "ffffffffffffffff7f"],
    ["-2^63", -(2 ** 63), "80808080808080808001"],
  ];
  for (const [title, value, hex] of signed) {
    test(`signed: ${title}`, () => {
      const bytes = google.protobuf.Timestamp.encode({ seconds: value }).finish();
      assert.equal(Buffer.from(bytes).toString("hex"), `08${hex}`);
      assert.equal(google.protobuf.Timestamp.decode(Buffer.from(`08${hex}`, "hex")).seconds, value);
    });
  }

  const beyond: [number, number][] = [
    [2 ** 70, 2 ** 64],
    [-1, 0],
    [Number.NaN, 0],
    [1.9, 1],
  ];
  for (const [value, written] of beyond) {
    test(`${value} is written as the nearest that an unsigned field holds`, () => {
      assert.equal(MemoryEntry.decode(MemoryEntry.encode({ limit: value }).finish()).limit, written);
    });
  }

  test("a packed list of them comes back, whether it was packed or not", () => {
    const perCpu = [1, 2 ** 40, Number(2n ** 64n - 1n)];
    const packed = CPUUsage.encode({ perCpu }).finish();
    const inside = Buffer.concat([varint(1n), varint(2n ** 40n), varint(2n ** 64n - 1n)]);
    assert.deepEqual(Buffer.from(packed), lengthDelimited(4, inside));
    assert.deepEqual(CPUUsage.decode(packed).perCpu, perCpu);
    assert.deepEqual(CPUUsage.decode(Buffer.from("20012002", "hex")).perCpu, [1, 2]);
  });
});

describe("decoding", () => {
  test("a field that nobody knows is skipped, and not kept", () => {
    const bytes = Buffer.concat([
      lengthDelimited(1, Buffer.from("c")),
      lengthDelimited(99, Buffer.from("?")),
    ]);
    const request = containerd.task.v2.PauseRequest.decode(bytes);
    assert.deepEqual(Object.entries(request), [["id", "c"]]);
  });

  test("a message cut short is an error at every length that splits a field", () => {
    const bytes = lengthDelimited(1, Buffer.from("container"));
    for (let length = 1; length < bytes.length; length++) {
      assert.throws(() => containerd.task.v2.PauseRequest.decode(bytes.subarray(0, length)), RangeError);
    }
  });

  test("missing fields read as the defaults of proto3", () => {
    const state = containerd.task.v2.StateResponse.decode(new Uint8Array());
    assert.deepEqual([state.id, state.pid, state.terminal, state.exitedAt], ["", 0, false, null]);
  });

  test("an optional field that was never written is not an own property", () => {
    const params = containerd.runtime.bootstrap.v1.BootstrapParams.decode(new Uint8Array());
    assert.equal(Object.hasOwn(params, "socketDir"), false);
  });

  test("a log level below zero comes back below zero", () => {
    const { BootstrapParams } = containerd.runtime.bootstrap.v1;
    assert.equal(BootstrapParams.decode(BootstrapParams.encode({ logLevel: -8 }).finish()).logLevel, -8);
  });
});
