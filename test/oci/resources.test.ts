import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode, type StatusError } from "../../src/base/status.ts";
import { readResources } from "../../src/oci/resources.ts";

describe("the resources of an update", () => {
  test("are passed on to the byte, whatever their type is called and whatever fields they have", () => {
    const text = ' {"memory": {"limit": 9223372036854775807}, "new": null}\n';
    assert.equal(readResources({ typeUrl: "a.b/C", value: Buffer.from(text) }, "c1"), text);
  });

  const rows: [string, Parameters<typeof readResources>[0], RegExp][] = [
    ["that are not there", undefined, /is empty/],
    ["that are null", null, /is empty/],
    ["without a value", { typeUrl: "x" }, /is empty/],
    ["that are no JSON", { value: Buffer.from("{") }, /is not JSON/],
    ["that are a list", { value: Buffer.from("[]") }, /must be an object/],
    ["that are a protobuf message", { value: new Uint8Array([8, 1]) }, /is not JSON/],
  ];
  for (const [title, any, message] of rows) {
    test(`${title} are refused, naming the container`, () => {
      assert.throws(
        () => readResources(any, "c1"),
        (err: StatusError) => {
          assert.equal(err.code, StatusCode.invalidArgument);
          assert.match(err.message, /^the resources for container c1: the document /);
          assert.match(err.message, message);
          return true;
        },
      );
    });
  }
});
