import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../../src/base/status.ts";
import { parseContainerConfig } from "../../../src/client/daemon/container-config.ts";
import { status } from "../../support/status.ts";
import { configOf } from "./fake-supervisor.ts";

const parse = (more: object) => parseContainerConfig(JSON.stringify({ ...configOf("c"), ...more }), "it");

describe("the configuration of a container", () => {
  test("is taken as it is", () => {
    const config = configOf("c", { memoryBytes: 5, user: "a:b", annotations: { x: "y" } });
    assert.deepEqual(parse(config), config);
  });

  const wrong: [what: string, more: object, message: RegExp][] = [
    ["an id with a slash", { id: "../x" }, /id "..\/x" is not allowed/],
    ["no program", { args: [] }, /it: \/args/],
    ["a zero byte in a word", { args: ["a\0b"] }, /\/args/],
    ["no layer", { lowerDirs: [] }, /\/lowerDirs/],
    ["a layer by a relative path", { lowerDirs: ["x"] }, /\/lowerDirs/],
    ["a relative working directory", { cwd: "x" }, /\/cwd/],
    ["no memory at all", { memoryBytes: 0 }, /\/memoryBytes/],
    ["a network of another kind", { network: "bridge" }, /\/network/],
    ["a field that nobody knows", { colour: "red" }, /colour/],
  ];
  for (const [what, more, message] of wrong) {
    test(`is refused with ${what}`, () => {
      assert.throws(() => parse(more), status(StatusCode.invalidArgument, message));
    });
  }
});
