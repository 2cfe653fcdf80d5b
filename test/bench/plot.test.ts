import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { FILES, readResults } from "../../bench/document.ts";
import { plot } from "../../bench/plot.ts";
import { ratioResult, resultOf } from "./results.ts";
import { assertWellFormed } from "./svg-check.ts";

/** Where the dots are, by what their titles say. */
function dots(svg: string): Map<string, { kind: string; x: number }> {
  const found = svg.matchAll(/<circle class="(\w+)" cx="([\d.]+)"[^>]*><title>([^<]*)<\/title>/g);
  return new Map([...found].map(([, kind = "", x, title = ""]) => [title, { kind, x: Number(x) }]));
}

describe("the picture", () => {
  const ours = (ratio: string) => `containerd-shim-ebb-v2 0.1.0: ${ratio}`;

  test("has what takes less on the left of what takes more", () => {
    const found = dots(plot([ratioResult("a", 0.5), ratioResult("b", 4)]));
    const [less, more] = [found.get(ours("0.50×")), found.get(ours("4.00×"))];
    assert.equal(less?.kind, "less");
    assert.equal(more?.kind, "more");
    assert.ok(less.x < more.x);
  });

  test("turns what is told per second into what it costs", () => {
    assert.equal(dots(plot([ratioResult("a", 4, "more")])).get(ours("0.25×"))?.kind, "less");
  });

  test("has other shims beside ours, but not the one that all are compared with", () => {
    const { tables } = ratioResult("a", 2);
    const newer = { label: "containerd-shim-runc-v2 2.1.9", median: 1, ratio: 1.5, n: 1 };
    const found = dots(plot([resultOf("a", [...(tables[0]?.subjects ?? []), newer])]));
    assert.deepEqual(
      [...found].map(([title, { kind }]) => [title, kind]),
      [
        ["containerd-shim-runc-v2 2.1.9: 1.50×", "other"],
        [ours("2.00×"), "more"],
      ],
    );
  });

  test("has lines of their own for each of several of ours, under a heading that says which", () => {
    const subjects = ["ebb, Bun", "ebb, Node", "Go"].map((label, at) => ({
      label,
      median: 1,
      ratio: at + 2,
      n: 1,
    }));
    const drawn = plot([resultOf("a", subjects)]);
    assertWellFormed(drawn);
    const { title } = resultOf("a", subjects);
    for (const label of ["ebb, Bun", "ebb, Node"]) assert.ok(drawn.includes(`${title}: ${label}`), label);
    const heights = [...drawn.matchAll(/<circle class="more" cx="[\d.]+" cy="([\d.]+)"[^>]*><title>ebb/g)];
    assert.equal(new Set(heights.map(([, y]) => y)).size, 2);
  });

  test("cuts titles that there is no room for", () => {
    const { tables, ...rest } = ratioResult("a", 2);
    const title = "x".repeat(200);
    const longest = Math.max(
      ...[
        ...plot([{ ...rest, tables: tables.map((table) => ({ ...table, title })) }]).matchAll(/>(x+…?)</g),
      ].map(([, found = ""]) => found.length),
    );
    assert.equal(longest, 50);
  });

  for (const [what, results] of [
    ["nothing", []],
    ["a row", [ratioResult("a", 0.5)]],
    ["ratios beyond the scale", [ratioResult("a", 1e-9), ratioResult("b", 1e9)]],
    ["a ratio of nothing", [ratioResult("a", 0)]],
    ["a row that cannot be compared", [resultOf("a", [{ label: "ebb", median: 1, n: 1 }])]],
    ["titles with signs of markup", [{ ...ratioResult("a", 2), title: "a < b & c > d" }]],
  ] as const) {
    test(`of ${what} is a well-formed document`, () => assertWellFormed(plot(results)));
  }

  test("in the docs is the one of the results there", () => {
    const docs = path.join(import.meta.dirname, "../../docs");
    const drawn = readFileSync(path.join(docs, FILES.picture), "utf8");
    assert.equal(drawn, plot(readResults(path.join(docs, FILES.json))));
  });
});
