import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { readProcessSpec } from "../../src/oci/process-spec.ts";
import { status } from "../support/status.ts";

const any = (text: string) => ({ typeUrl: "types.containerd.io/…/Process", value: Buffer.from(text) });
const read = (text: string, terminal = false) => readProcessSpec(any(text), terminal, "the process e1");

describe("the process of an exec", () => {
  test("is passed on byte for byte, numbers that JavaScript has no room for included", () => {
    const text = '{ "args": ["a\\u0000b"],\n "rlimits": [{"hard": 18446744073709551615}], "x": 1.0 }';
    assert.equal(read(text), text);
    const withTerminal = text.replace("{", '{"terminal": true,');
    assert.equal(read(withTerminal, true), withTerminal);
  });

  const rows: [title: string, text: string, terminal: boolean, result: string][] = [
    [
      "where it says nothing",
      '{"n":18446744073709551615}',
      true,
      '{"terminal":true,"n":18446744073709551615}',
    ],
    ["where it says otherwise", '{"a":1,"terminal" : true}', false, '{"a":1,"terminal":false}'],
    ["where it says null", '{"terminal":null,"a":1}', true, '{"terminal":true,"a":1}'],
    [
      "where it says it twice",
      '{"terminal":true,"terminal":false}',
      true,
      '{"terminal":true,"terminal":true}',
    ],
    [
      "and leaves the same word elsewhere alone",
      '{"args":["\\"terminal\\":false"],"x":{"terminal":false},"v":"terminal","terminal":false}',
      true,
      '{"args":["\\"terminal\\":false"],"x":{"terminal":false},"v":"terminal","terminal":true}',
    ],
    ["but not in an empty one, which is the runtime's to refuse", "{ }", true, "{ }"],
  ];
  for (const [title, text, terminal, result] of rows) {
    test(`has the terminal that the request asks for ${title}`, () =>
      assert.equal(read(text, terminal), result));
  }

  for (const text of ["", "{", "[]", "7", '{"terminal":"yes"}']) {
    test(`that is ${JSON.stringify(text)} is refused`, () => {
      assert.throws(() => read(text), status(StatusCode.invalidArgument, /^the process e1: /));
    });
  }

  test("that is missing is refused", () => {
    for (const none of [undefined, null, {}]) {
      const call = () => readProcessSpec(none, false, "the process e1");
      assert.throws(call, status(StatusCode.invalidArgument, /the document is empty/));
    }
  });
});
