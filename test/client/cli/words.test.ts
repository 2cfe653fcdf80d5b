import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ageText, jsonText, printable, shortId, sinceText, sizeText } from "../../../src/client/cli/words.ts";

describe("an age", () => {
  const rows: [seconds: number, text: string][] = [
    [-5, "0 s"],
    [0, "0 s"],
    [0.999, "0 s"],
    [59, "59 s"],
    [60, "1 min"],
    [61, "1 min 1 s"],
    [3_600, "1 h"],
    [3_661, "1 h 1 min"],
    [86_400, "1 d"],
    [90_061, "1 d 1 h"],
    [86_460, "1 d"],
  ];
  for (const [seconds, text] of rows) {
    test(`of ${seconds} s is told as ${text}`, () => assert.equal(ageText(seconds * 1000), text));
  }

  test("is that of a time, or a dash where there is no time", () => {
    assert.equal(sinceText("2026-01-01T00:00:00Z", Date.parse("2026-01-01T02:00:00Z")), "2 h");
    assert.equal(sinceText("some day"), "-");
  });
});

describe("a size", () => {
  const rows: [bytes: number, text: string][] = [
    [0, "0 B"],
    [1, "1 B"],
    [999, "999 B"],
    [1_023, "1023 B"],
    [1_024, "1 KiB"],
    [1_536, "1.5 KiB"],
    [10_239, "10 KiB"],
    [24 * 2 ** 20, "24 MiB"],
    [341.4 * 2 ** 20, "341 MiB"],
    [2 ** 20 - 1, "1 MiB"],
    [2 ** 40, "1 TiB"],
    [2 ** 53 - 1, "8 PiB"],
    [2 ** 61, "2048 PiB"],
  ];
  for (const [bytes, text] of rows) {
    test(`of ${bytes} bytes is told as ${text}`, () => assert.equal(sizeText(bytes), text));
  }
});

describe("an id", () => {
  test("is cut to twelve characters, without its algorithm", () => {
    assert.equal(shortId(`sha256:0123456789abcdef${"0".repeat(48)}`), "0123456789ab");
    assert.equal(shortId("short"), "short");
  });
});

describe("a text of somebody else", () => {
  const rows: [title: string, text: string, shown: string][] = [
    ["is left as it is", "registry/übung:v1 ☃", "registry/übung:v1 ☃"],
    ["paints no terminal", "\u001b[31mred", "\\x1b[31mred"],
    ["stays on one line", "a\nb\r\tc", "a\\x0ab\\x0d\\x09c"],
    ["does nothing by the eighth bit", "\u009b2J\u007f", "\\x9b2J\\x7f"],
    ["does not turn round what comes behind", "a\u202eb\u2066c", "a\\u202eb\\u2066c"],
  ];
  for (const [title, text, shown] of rows) test(title, () => assert.equal(printable(text), shown));
});

describe("a value as JSON", () => {
  test("says the same, and does nothing to a terminal", () => {
    const value = [{ id: "a\x1b[2J\x9b\x7f\u202e\n", é: 1 }];
    const text = jsonText(value);
    assert.deepEqual(JSON.parse(text), value);
    assert.doesNotMatch(text, /[^\P{Cc}\n]|\u202e/u);
    assert.equal(jsonText([1]), "[\n  1\n]");
  });
});
