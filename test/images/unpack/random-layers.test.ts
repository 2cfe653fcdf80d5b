import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusError } from "../../../src/base/status.ts";
import { archive, directory, file, hardlink, type RawEntry, symlink } from "./archive.ts";
import { extract, list, notRoot, scratch } from "./scratch.ts";

const place = scratch();
const ROUNDS = 500;

/** So few that most archives name one more than once, and lead out of the layer by one of several ways. */
const NAMES = ["a", "b", "a/c", "a/c/d", "b/c", "/a", "./b//", "../outside", "a/../../outside"];
const TARGETS = ["..", "/", "../outside", "../..", "a", "b", "a/c", "/a"];

/** Numbers that look random and are the same each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >> 8) % below;
  };
}

function randomEntries(next: (below: number) => number): RawEntry[] {
  const pick = (all: readonly string[]) => all[next(all.length)] ?? "";
  return Array.from({ length: 2 + next(3) }, (_, at) => {
    const name = pick(next(8) > 0 ? NAMES.slice(0, 5) : NAMES);
    const kinds = [
      directory(name),
      symlink(name, pick(TARGETS)),
      hardlink(name, pick(TARGETS)),
      file(name, `${at}`),
    ];
    return kinds[next(kinds.length)] ?? file(name);
  });
}

const clean = (name: string) => name.split("/").filter(Boolean).join("/").replace(/^\.\//, "");

/** What a layer of these entries is, each taking the place of an earlier one; for those that may be unpacked. */
function expected(entries: readonly RawEntry[]): string[] {
  const model = new Map<string, string>();
  for (const { name, type = "0", target = "", data = "" } of entries) {
    const parts = clean(name).split("/");
    for (let depth = 1; depth < parts.length; depth++)
      model.set(parts.slice(0, depth).join("/"), "directory");
    const linked = model.get(clean(target)) ?? "nothing";
    const what = { "5": "directory", "2": `-> ${target}`, "1": linked }[type] ?? `file ${data}`;
    model.set(parts.join("/"), what);
  }
  return [...model].map(([name, what]) => `${name} ${what}`).sort();
}

describe("a layer of random entries", { skip: notRoot }, () => {
  test(`is what its entries say, or is refused, and touches nothing beside it: ${ROUNDS} of them`, async () => {
    const next = numbers(20_261_126);
    let unpacked = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const entries = randomEntries(next);
      const around = place.make();
      const layer = path.join(around, "layer");
      fs.mkdirSync(layer);
      fs.writeFileSync(path.join(around, "outside"), "untouched");
      const thrown = await extract(archive(...entries), layer).then(
        () => undefined,
        (err: unknown) => err,
      );
      const shown = JSON.stringify(entries);
      if (thrown === undefined) assert.deepEqual(list(layer).sort(), expected(entries), shown);
      else assert.match(String(thrown), /^StatusError: entry "/, shown);
      assert.ok(thrown === undefined || thrown instanceof StatusError);
      assert.deepEqual(fs.readdirSync(around).sort(), ["layer", "outside"], shown);
      assert.equal(fs.readFileSync(path.join(around, "outside"), "utf8"), "untouched", shown);
      unpacked += thrown === undefined ? 1 : 0;
    }
    assert.ok(unpacked > 50 && unpacked < ROUNDS, `${unpacked} unpacked`);
  });
});
