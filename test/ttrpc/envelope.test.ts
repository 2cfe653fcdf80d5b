import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ttrpc } from "../../src/proto/index.ts";
import {
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

describe("the envelopes", () => {
  for (const length of LENGTHS) {
    for (const [what, extras] of Object.entries(EXTRAS)) {
      test(`of a request with ${length} bytes and ${what} are those of the generated code`, () => {
        const payload = payloadOf(length);
        const bytes = withoutRoom(encodeRequest(names, payload, extras));
        assert.equal(hex(bytes), hex(ttrpc.Request.encode({ service, method, payload, ...extras }).finish()));
      });
    }

    test(`of a response with ${length} bytes are those of the generated code`, () => {
      const payload = payloadOf(length);
      const bytes = withoutRoom(encodeResponse(payload));
      assert.equal(hex(bytes), hex(ttrpc.Response.encode({ payload }).finish()));
    });
  }

  test("of a failure say why", () => {
    const bytes = withoutRoom(encodeFailure({ code: 5, message: "no such task" }));
    const { status, payload } = ttrpc.Response.decode(bytes);
    assert.deepEqual([status?.code, status?.message, payload?.length], [5, "no such task", 0]);
  });
});
