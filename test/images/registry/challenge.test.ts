import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Challenge, parseChallenges } from "../../../src/images/registry/challenge.ts";

const rows: readonly [string, readonly Challenge[]][] = [
  ["", []],
  [", ,", []],
  ["Basic", [{ scheme: "basic", parameters: {} }]],
  ['Basic realm="a registry"', [{ scheme: "basic", parameters: { realm: "a registry" } }]],
  ["BASIC Realm=x", [{ scheme: "basic", parameters: { realm: "x" } }]],
  [
    'Bearer realm="https://auth.test/token",service="registry.test",scope="repository:a/b:pull,push"',
    [
      {
        scheme: "bearer",
        parameters: {
          realm: "https://auth.test/token",
          service: "registry.test",
          scope: "repository:a/b:pull,push",
        },
      },
    ],
  ],
  ['Bearer realm="a \\"b\\" \\\\"', [{ scheme: "bearer", parameters: { realm: 'a "b" \\' } }]],
  [
    'Basic realm="a", Bearer realm = "b" , service=c',
    [
      { scheme: "basic", parameters: { realm: "a" } },
      { scheme: "bearer", parameters: { realm: "b", service: "c" } },
    ],
  ],
  [
    "Negotiate YWJjZA==, Basic realm=x",
    [
      { scheme: "negotiate", parameters: {} },
      { scheme: "basic", parameters: { realm: "x" } },
    ],
  ],
  ['Bearer realm="not closed', [{ scheme: "bearer", parameters: {} }]],
];

describe("a server's challenges", () => {
  for (const [header, expected] of rows) {
    test(`are understood in ${JSON.stringify(header)}`, () => {
      const found = parseChallenges(header);
      assert.deepEqual(found.slice(0, expected.length), expected);
      assert.ok(header.includes("not closed") || found.length === expected.length);
    });
  }

  test("are read without end in no time that matters, whatever they are made of", () => {
    for (const part of [",", 'a="', "a=", "\\", "a ", '"']) {
      assert.ok(parseChallenges(`Bearer ${part.repeat(5_000)}`).length >= 1);
    }
  });
});
