import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { FILES, fill, merge, readResults, save, sectionsOf } from "../../bench/document.ts";
import { ROWS } from "../../bench/rows/index.ts";
import { figureOf, ratioOf } from "../../bench/table.ts";
import { scratchDir } from "../client/support.ts";
import { ratioResult, resultOf } from "./results.ts";

describe("results", () => {
  const [a, b] = [ratioResult("a", 2), ratioResult("b", 3)];

  test("of a row take the place of its older ones, and leave all others", () => {
    const newer = ratioResult("a", 1);
    assert.deepEqual(merge([a, b], newer, ["a", "b"]), [newer, b]);
  });

  for (const [what, order, expected] of [
    ["are in the order of the rows", ["b", "a"], [b, a]],
    ["of an unknown row come last", ["b"], [b, a]],
    ["of a new row come last where all are unknown", [], [a, b]],
  ] as const) {
    test(what, () => assert.deepEqual(merge([a], b, order), expected));
  }
});

describe("a page", () => {
  const page = "# Title\n<!-- a -->\nold\n<!-- /a -->\nbetween\n<!-- b --><!-- /b -->\nend\n";

  test("has each section between its markers, and all else as it was", () => {
    const filled = fill(page, new Map([["a", "new $& $1"]]));
    assert.equal(
      filled,
      page.replace("\nold\n", () => "\n\nnew $& $1\n\n"),
    );
  });

  test("is the same when it is filled again", () => {
    const sections = new Map([
      ["a", "one"],
      ["b", "two"],
    ]);
    const filled = fill(page, sections);
    assert.equal(fill(filled, sections), filled);
  });

  test("has a line a figure and a column a shim", () => {
    assert.equal(
      sectionsOf([ratioResult("a", 0.5)]).get("a"),
      [
        "How a.",
        "",
        "|  | containerd-shim-ebb-v2 0.1.0 | containerd-shim-runc-v2 1.6.20 |",
        "| --- | --- | --- |",
        "| figure of a | 5.00 ms, p99 10.0 ms (0.50×) | 10.0 ms |",
      ].join("\n"),
    );
  });

  test("has a table of their own for figures of other subjects", () => {
    const { tables, ...rest } = ratioResult("a", 1);
    const other = resultOf("b", [{ label: "koffi", median: 1, n: 1 }]).tables;
    const section = sectionsOf([{ ...rest, tables: [...tables, ...other] }]).get("a") ?? "";
    assert.equal(section.split("\n").filter((line) => line.includes("---")).length, 2);
  });

  test("names each machine once, with what was measured on it", () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => ratioResult(name, 1));
    assert.ok(a !== undefined && b !== undefined && c !== undefined);
    const later = { ...c, machine: { ...c.machine, cpus: 64 } };
    const lines = sectionsOf([a, b, later]).get("machine")?.split("\n") ?? [];
    assert.deepEqual(
      lines.map((line) => line.split(" cores")[0]),
      ["- `a`, `b`: 2", "- `c`: 64"],
    );
  });
});

describe("what is saved", () => {
  test("is results, page and picture; a page without markers for it is told", () => {
    const dir = scratchDir();
    const page = path.join(dir, FILES.page);
    writeFileSync(page, "<!-- a --><!-- /a -->\n<!-- machine --><!-- /machine -->\n");
    assert.deepEqual(save(dir, ratioResult("a", 2), ["a", "b"]), []);
    assert.deepEqual(save(dir, ratioResult("b", 3), ["a", "b"]), ["b"]);
    const names = readResults(path.join(dir, FILES.json)).map(({ name }) => name);
    assert.deepEqual(names, ["a", "b"]);
    assert.match(readFileSync(page, "utf8"), /20\.0 ms, p99 40\.0 ms \(2\.00×\)/);
    assert.match(readFileSync(path.join(dir, FILES.picture), "utf8"), /^<svg /);
  });
});

describe("a figure", () => {
  for (const [value, expected] of [
    [123.4, "123"],
    [12.34, "12.3"],
    [1.234, "1.23"],
    [0.1234, "0.123"],
    [0, "0"],
  ] as const) {
    test(`of ${value} is told as ${expected}`, () => assert.equal(figureOf(value), expected));
  }

  for (const [value, expected] of [
    [12.3, "12×"],
    [1.234, "1.23×"],
    [0.0123, "0.01×"],
    [0.00251, "0.003×"],
    [0, "0.00×"],
  ] as const) {
    test(`that is ${value} times another is told as ${expected}`, () =>
      assert.equal(ratioOf(value), expected));
  }
});

describe("the page about performance", () => {
  const docs = path.join(import.meta.dirname, "../../docs");
  const page = readFileSync(path.join(docs, FILES.page), "utf8");
  const results = readResults(path.join(docs, FILES.json));

  test("has a place for every row, and for the machine", () => {
    const names = [...ROWS.map(({ name }) => name), "machine"];
    const missing = names.filter((name) => !new RegExp(`<!-- ${name} -->[^]*<!-- /${name} -->`).test(page));
    assert.deepEqual(missing, []);
  });

  test("says what the results say", () => assert.equal(fill(page, sectionsOf(results)), page));
});
