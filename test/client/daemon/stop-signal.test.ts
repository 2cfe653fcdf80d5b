import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../../src/base/status.ts";
import { stopSignalOf } from "../../../src/client/daemon/stop-signal.ts";
import { status } from "../../support/status.ts";

describe("a stop signal", () => {
  const rows: [name: string | undefined, number: number][] = [
    [undefined, 15],
    ["", 15],
    ["SIGINT", 2],
    ["int", 2],
    ["9", 9],
    ["64", 64],
    ["SIGRTMIN", 34],
    ["SIGRTMIN+3", 37],
    ["RTMIN+30", 64],
  ];
  for (const [name, number] of rows) {
    test(`named ${JSON.stringify(name)} is ${number}`, () => assert.equal(stopSignalOf(name), number));
  }

  for (const name of ["SIGNONE", "0", "65", "-1", "1.5", "RTMIN+31", "RTMINx", "toString"]) {
    test(`${name} is none`, () => {
      assert.throws(() => stopSignalOf(name), status(StatusCode.invalidArgument, /is none/));
    });
  }
});
