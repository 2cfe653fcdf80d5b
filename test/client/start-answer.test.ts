import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { parseStartAnswer } from "../../src/client/start-answer.ts";
import { containerd } from "../../src/proto/index.ts";

const socket = "unix:///run/containerd/s/0123abcd";

function encoded(result: containerd.runtime.bootstrap.v1.IBootstrapResult): Uint8Array {
  return containerd.runtime.bootstrap.v1.BootstrapResult.encode(result).finish();
}

describe("the answer of a shim's start", () => {
  const understood: [title: string, output: string | Uint8Array, version: number, address: string][] = [
    ["the bare address", socket, 2, socket],
    ["the bare address with white space around it", ` ${socket}\n`, 2, socket],
    ["an abstract address", "unix:@shim", 2, "unix:@shim"],
    ["a plain path", "/run/s/1", 2, "/run/s/1"],
    ["json of version 2", `{"version":2,"address":"${socket}","protocol":"ttrpc"}`, 2, socket],
    [
      "json of version 3 with a newline",
      `{"version":3,"address":"${socket}","protocol":"ttrpc"}\n`,
      3,
      socket,
    ],
    ["json with more fields", `{"version":3,"address":"${socket}","protocol":"ttrpc","env":[]}`, 3, socket],
    ["protobuf", encoded({ version: 3, address: socket, protocol: "ttrpc" }), 3, socket],
    [
      "protobuf with metadata",
      encoded({ version: 2, address: socket, protocol: "ttrpc", metadata: { a: "b" } }),
      2,
      socket,
    ],
  ];
  for (const [title, output, version, address] of understood) {
    test(`is understood as ${title}`, () => {
      assert.deepEqual(parseStartAnswer(Buffer.from(output)), { version, address, protocol: "ttrpc" });
    });
  }

  const refused: [title: string, output: string | Uint8Array, code: StatusCode, message: RegExp][] = [
    ["nothing at all", "", StatusCode.invalidArgument, /answered nothing/],
    ["only white space", " \n", StatusCode.invalidArgument, /answered nothing/],
    ["a log line", "level=error msg=broken", StatusCode.invalidArgument, /level=error msg=broken/],
    ["a warning before the address", `warning\n${socket}`, StatusCode.invalidArgument, /warning/],
    ["json cut short", '{"version":2,"addr', StatusCode.invalidArgument, /version/],
    ["json without an address", '{"version":2,"protocol":"ttrpc"}', StatusCode.invalidArgument, /version/],
    ["json that is no object", "[2]", StatusCode.invalidArgument, /\[2\]/],
    ["zero bytes", new Uint8Array(40), StatusCode.invalidArgument, /no socket address/],
    [
      "grpc",
      `{"version":3,"address":"${socket}","protocol":"grpc"}`,
      StatusCode.unimplemented,
      /protocol "grpc"/,
    ],
    ["no protocol", encoded({ version: 3, address: socket }), StatusCode.unimplemented, /protocol ""/],
    [
      "a later version",
      encoded({ version: 4, address: socket, protocol: "ttrpc" }),
      StatusCode.unimplemented,
      /version 4/,
    ],
    ["another kind of address", "vsock://3:1024", StatusCode.invalidArgument, /vsock/],
  ];
  for (const [title, output, code, message] of refused) {
    test(`is refused when it is ${title}`, () => {
      const thrown = (error: unknown) => hasCode(error, code) && message.test(error.message);
      assert.throws(() => parseStartAnswer(Buffer.from(output)), thrown);
    });
  }

  test("is refused, never misread, when a byte of it is lost or changed", () => {
    const whole = encoded({ version: 3, address: socket, protocol: "ttrpc" });
    for (let at = 0; at < whole.length; at += 1) {
      const cut = whole.slice(0, at);
      assert.throws(() => parseStartAnswer(cut), `cut after ${at} bytes`);
    }
  });
});
