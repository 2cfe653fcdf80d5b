import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findJsonMistake } from "../../src/base/json-mistake.ts";

describe("the place where a text stops being JSON", () => {
  const rows: [title: string, text: string, line: number, column: number][] = [
    ["is that of a comma behind the last field", '{\n  "a": 1,\n}\n', 3, 1],
    ["is that of a comma behind the last item", "[1, 2, ]", 1, 8],
    ["is what follows a comma that is missing", '{\n  "a": 1\n  "b": 2\n}', 3, 3],
    ["is a name without quotes", '{ "a": 1, b: 2 }', 1, 11],
    ["is a name in single quotes", "{ 'a': 1 }", 1, 3],
    ["is a comment", '{\n  // why\n  "a": 1\n}', 2, 3],
    ["is a word that there is not", '{ "a": yes }', 1, 8],
    ["is where a string begins that has no end", '{ "a": "b }\n', 1, 8],
    ["is where a string begins that has a wrong escape", '{ "a": "\\x" }', 1, 8],
    ["is the rest of a number", '{ "a": 012 }', 1, 9],
    ["is where a text ends too early", '{\n  "a": [1', 2, 10],
    ["is the end of what is there, not of the empty lines behind it", '{ "a": 1\n\n\n', 1, 9],
    ["is a second document", "{}\n{}", 2, 1],
    ["is a bracket of another kind", '{ "a": [1} }', 1, 10],
    ["is the beginning where nothing is there", "", 1, 1],
  ];
  for (const [title, text, line, column] of rows) {
    test(title, () => assert.deepEqual(findJsonMistake(text), { line, column }));
  }

  test("is found however deep it is", () => {
    assert.deepEqual(findJsonMistake("[".repeat(200_000)), { line: 1, column: 200_001 });
  });

  test("is there exactly where the runtime finds a mistake, in whatever is made of a document", () => {
    const document = '{"a":[1,-2.5e+3,{"b":"\\u00e9\\n"},[]],"c":{},"d":true,"e":null, "f":""}';
    for (const piece of ["", ",", "}", "]", '"', ":", "0", "-", "\\", "\n", "x", "[", "{", "e"]) {
      for (let at = 0; at <= document.length; at += 1) {
        for (const left of [0, 1]) {
          const text = document.slice(0, at) + piece + document.slice(at + left);
          assert.equal(findJsonMistake(text) === undefined, isJson(text), text);
        }
      }
    }
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
