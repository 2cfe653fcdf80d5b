import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { JSONSchema } from "json-schema-to-ts";
import { decodeJson } from "../../src/base/decode-json.ts";
import { jsonReader } from "../../src/base/json.ts";
import { StatusCode } from "../../src/base/status.ts";
import { status } from "../support/status.ts";

const schema = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 1 },
    count: { type: "integer", minimum: 1, maximum: 9 },
    on: { type: "boolean" },
    kind: { enum: ["a", "b"] },
    ratio: { type: ["number", "string"] },
    "odd/na~me": { type: "string" },
    tags: { type: "object", additionalProperties: { type: "string" } },
    items: {
      type: "array",
      items: { type: "object", properties: { path: { type: "string" } }, required: ["path"] },
    },
  },
  required: ["name"],
} as const satisfies JSONSchema;

const reader = jsonReader(schema);

describe("a document that fits", () => {
  test("comes back as it is, with what the schema does not name", () => {
    const value = { name: "x", count: 3, more: { deep: [null] }, items: [{ path: "/p" }] };
    assert.deepEqual(reader.parse(JSON.stringify(value), "f"), value);
  });

  test("may have null for what it does not have, as Go's decoder takes it", () => {
    const text = '{"name":"x","count":null,"tags":{"a":null,"b":"c"},"items":null,"other":null}';
    assert.deepEqual(reader.parse(text, "f"), { name: "x", tags: { b: "c" }, other: null } as object);
  });

  test("may hold names that mean something in JavaScript", () => {
    const text = '{"name":"x","__proto__":{"name":3},"constructor":null,"tags":{"__proto__":"y"}}';
    const value = reader.parse(text, "f");
    assert.equal(value.name, "x");
    assert.deepEqual(Object.keys(value.tags ?? {}), ["__proto__"]);
    assert.equal(({} as { name?: unknown }).name, undefined);
  });
});

describe("the error for a document names the place and what belongs there:", () => {
  const rows: [text: string, message: string][] = [
    ["", "the document is empty"],
    ["  \n", "the document is empty"],
    ["{", "the document is not JSON"],
    ['{"name":"x"} {}', "the document is not JSON"],
    ["\0", "the document is not JSON"],
    ["[".repeat(200_000), "the document is not JSON"],
    ["3", "the document must be an object"],
    ["null", "the document must be an object"],
    ["[]", "the document must be an object"],
    ["{}", "the document must have name"],
    ['{"name":null}', "the document must have name"],
    ['{"name":3}', "/name must be a string"],
    ['{"name":""}', "/name must not be empty"],
    ['{"name":"x","count":"3"}', "/count must be a whole number"],
    ['{"name":"x","count":1.5}', "/count must be a whole number"],
    ['{"name":"x","count":0}', "/count must be at least 1"],
    ['{"name":"x","count":10}', "/count must be at most 9"],
    ['{"name":"x","on":1}', "/on must be true or false"],
    ['{"name":"x","kind":"c"}', "/kind must be one of a, b"],
    ['{"name":"x","ratio":[]}', "/ratio must be a number or a string"],
    ['{"name":"x","odd/na~me":1}', "/odd~1na~0me must be a string"],
    ['{"name":"x","tags":{"a.b/c%41 ü":1}}', "/tags/a.b~1c%41 ü must be a string"],
    ['{"name":"x","tags":{"":1}}', "/tags/ must be a string"],
    ['{"name":"x","tags":{"\\ud800":"x","a":1}}', "the document has a name that is not Unicode text"],
    ['{"name":"x","items":{}}', "/items must be an array"],
    ['{"name":"x","items":[{"path":"/p"},{}]}', "/items/1 must have path"],
    ['{"name":"x","items":[{"path":"/p"},{"path":[]}]}', "/items/1/path must be a string"],
    ['{"name":"x","items":[null]}', "/items/0 must be an object"],
  ];
  for (const [text, message] of rows) {
    test(`${JSON.stringify(text.slice(0, 40))} → ${message}`, () => {
      const expected = (thrown: unknown) => {
        assert.equal((thrown as Error).message, `the file: ${message}`);
        return status(StatusCode.invalidArgument, /./)(thrown);
      };
      assert.throws(() => reader.parse(text, "the file"), expected);
    });
  }

  test("carries the code that the reader was made with", () => {
    const internal = jsonReader(schema, StatusCode.internal);
    assert.throws(() => internal.parse("{}", "f"), status(StatusCode.internal, /^f: /));
  });
});

describe("a document that a person wrote", () => {
  const strict = jsonReader({
    type: "object",
    properties: {
      version: { const: 2 },
      dir: { type: "string", pattern: "^/" },
      limits: {
        type: "object",
        properties: { waitMs: { type: "integer", minimum: 1, maximum: 9 } },
        additionalProperties: false,
      },
    },
    required: ["version"],
    additionalProperties: false,
  } as const satisfies JSONSchema);

  test("comes back as it is where it fits", () => {
    const value = { version: 2, dir: "/a", limits: { waitMs: 3 } };
    assert.deepEqual(strict.check(value, "f"), value);
  });

  const rows: [text: string, ...problems: string[]][] = [
    ["3", "the document must be an object"],
    ["null", "the document must be an object"],
    ["{}", "the document must have version"],
    ['{"version":"2","dir":"a"}', "/version must be 2", "/dir must match ^/"],
    ['{"version":2,"dir":null,"limits":null}', "/dir must be a string", "/limits must be an object"],
    [
      '{"limits":{"waitMs":0,"waitS":1},"x":{"y":1}}',
      "the document must have version",
      "/limits/waitMs must be at least 1",
      "/limits/waitS is not known",
      "/x is not known",
    ],
    [
      '{"version":2,"limits":{"waitMs":-0.5}}',
      "/limits/waitMs must be a whole number",
      "/limits/waitMs must be at least 1",
    ],
    ['{"version":2,"__proto__":1,"constructor":2}', "/__proto__ is not known", "/constructor is not known"],
    ['{"version":2,"a/b":1}', "/a~1b is not known"],
    ['{"version":2,"\\ud800":1}', "the document has a name that is not Unicode text"],
  ];
  for (const [text, ...problems] of rows) {
    test(`is told every mistake: ${text}`, () => {
      const expected = (thrown: unknown) => {
        assert.equal((thrown as Error).message, `the file: ${problems.join("; ")}`);
        return status(StatusCode.invalidArgument, /./)(thrown);
      };
      const value = decodeJson(text, "the file", StatusCode.invalidArgument);
      assert.throws(() => strict.check(value, "the file"), expected);
    });
  }
});
