import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ttrpc } from "../../src/proto/index.ts";
import {
  decodeRequest,
  decodeResponse,
  encodeFailure,
  encodeNames,
  encodeRequest,
  encodeResponse,
  type RequestExtras,
} from "../../src/ttrpc/envelope.ts";
import { HEADER_LENGTH } from "../../src/ttrpc/frame.ts";

/** Payloads whose lengths take one byte, two, three and four. */
const LENGTHS = [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152];

const EXTRAS: Readonly<Record<string, RequestExtras | undefined>> = {
  "nothing else": undefined,
  "a time": { timeoutNano: 5e9 },
  metadata: {
    metadata: [
      { key: "k", value: "v" },
      { key: "k", value: "ü" },
    ],
  },
  "a time and metadata": { timeoutNano: 1, metadata: [{ key: "", value: "" }] },
};

const [service, method] = ["containerd.task.v3.Task", "State"];
const names = encodeNames(service, method);
const payloadOf = (length: number) => Buffer.alloc(length, 7);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const withoutRoom = (bytes: Uint8Array) => bytes.subarray(HEADER_LENGTH);

/** Everything but the prototype: what is absent counts as its default. */
function plainRequest({
  service,
  method,
  payload,
  timeoutNano,
  metadata,
}: RequestExtras & ttrpc.Request.$Properties) {
  const pairs = (metadata ?? []).map(({ key, value }) => [key, value]);
  return { service, method, payload: hex(payload ?? Buffer.alloc(0)), timeoutNano: timeoutNano ?? 0, pairs };
}

function plainResponse({ status, payload }: ttrpc.Response.$Properties) {
  return { code: status?.code, message: status?.message, payload: hex(payload ?? Buffer.alloc(0)) };
}

/** What something gives, or that it throws. */
function outcome<T>(work: () => T): T | "throws" {
  try {
    return work();
  } catch {
    return "throws";
  }
}

describe("the envelopes", () => {
  for (const length of LENGTHS) {
    for (const [what, extras] of Object.entries(EXTRAS)) {
      test(`of a request with ${length} bytes and ${what} are those of the generated code`, () => {
        const payload = payloadOf(length);
        const bytes = withoutRoom(encodeRequest(names, payload, extras));
        assert.equal(hex(bytes), hex(ttrpc.Request.encode({ service, method, payload, ...extras }).finish()));
        assert.deepEqual(plainRequest(decodeRequest(bytes)), plainRequest(ttrpc.Request.decode(bytes)));
      });
    }

    test(`of a response with ${length} bytes are those of the generated code`, () => {
      const payload = payloadOf(length);
      const bytes = withoutRoom(encodeResponse(payload));
      assert.equal(hex(bytes), hex(ttrpc.Response.encode({ payload }).finish()));
      assert.equal(hex(decodeResponse(bytes).payload), hex(payload));
    });
  }

  test("of a failure say why", () => {
    const bytes = withoutRoom(encodeFailure({ code: 5, message: "no such task" }));
    const { status, payload } = decodeResponse(bytes);
    assert.deepEqual([status?.code, status?.message, payload.length], [5, "no such task", 0]);
  });

  test("copy no payload that they read", () => {
    const request = withoutRoom(encodeRequest(names, payloadOf(1_000)));
    const response = withoutRoom(encodeResponse(payloadOf(1_000)));
    assert.equal(decodeRequest(request).payload.buffer, request.buffer);
    assert.equal(decodeResponse(response).payload.buffer, response.buffer);
  });
});

/** Forms that are allowed, or not, and that no peer usually gives. */
const ODD: Readonly<Record<string, string>> = {
  nothing: "",
  "a payload before the names": "1a0161 0a0162 120163",
  "the method before the service": "120163 0a0162 1a0161",
  "names twice": "0a0162 120163 0a0164 120165",
  "a payload twice": "0a0162 120163 1a0161 1a0162",
  "a payload of no bytes": "0a0162 120163 1a00",
  "a length that is not written in the shortest way": "0a0162 120163 1a810061 2001",
  "such a length of none": "1a8000",
  "a length in five bytes": "0a0162 120163 1a8180808000 61",
  "a length beyond the end": "0a0162 120163 1a0561",
  "a name beyond the end": "0a05",
  "a length without its end": "0a0162 120163 1aff",
  "a tag alone": "0a0162 120163 1a",
  "a name that is no text": "0a01ff 120163",
  "a field nobody knows": "0a0162 120163 3a0161 1a0161",
  "a field of another type": "0a0162 120163 1801",
  "a time of the largest kind": "0a0162 120163 20ffffffffffffffff7f",
  "a time below zero": "0a0162 120163 20ffffffffffffffffff01",
  "metadata cut short": "0a0162 120163 2a050a0161",
  "metadata in a response's place": "1200 2a00",
  "a status and a payload": "0a040805 1200 120161",
  "a payload and then a status": "120161 0a020805",
};

describe("what has an unusual form", () => {
  for (const [what, text] of Object.entries(ODD)) {
    const data = Buffer.from(text.replaceAll(" ", ""), "hex");
    test(`as ${what} is read as by the generated code`, () => {
      assert.deepEqual(
        outcome(() => plainRequest(decodeRequest(data))),
        outcome(() => plainRequest(ttrpc.Request.decode(data))),
      );
      assert.deepEqual(
        outcome(() => plainResponse(decodeResponse(data))),
        outcome(() => plainResponse(ttrpc.Response.decode(data))),
      );
    });
  }

  test("by cutting or changing any byte is read as by the generated code", () => {
    const whole = withoutRoom(encodeRequest(names, payloadOf(200), EXTRAS["a time and metadata"]));
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0, 0x0a, 0x12, 0x1a, 0x7f, 0x80, 0xff]) {
        const changed = Uint8Array.from(whole).fill(value, at, at + 1);
        for (const data of [changed, changed.subarray(0, at + 1), changed.subarray(at)]) {
          assert.deepEqual(
            outcome(() => plainRequest(decodeRequest(data))),
            outcome(() => plainRequest(ttrpc.Request.decode(data))),
          );
          assert.deepEqual(
            outcome(() => plainResponse(decodeResponse(data))),
            outcome(() => plainResponse(ttrpc.Response.decode(data))),
          );
        }
      }
    }
  });
});
