import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { lowerDirsOf, shortenLowerDirs, unescapeName } from "../../src/rootfs/lower-dirs.ts";
import { openDirectories, scratch } from "./scratch.ts";

const place = scratch(loadLibc());

describe("the directories of a lowerdir option", () => {
  const rows: [string, string[] | undefined][] = [
    ["lowerdir=/a", ["/a"]],
    ["lowerdir=/a:/b:/c", ["/a", "/b", "/c"]],
    ["lowerdir=/a\\:b:/c", ["/a:b", "/c"]],
    ["lowerdir=/a\\,b:/c", ["/a,b", "/c"]],
    ["lowerdir=/a\\\\b:/c", ["/a\\b", "/c"]],
    ["lowerdir=/a\\\\:/c", ["/a\\", "/c"]],
    ["lowerdir=/a\\\\\\:b:/c", ["/a\\:b", "/c"]],
    ["lowerdir=\\::/c", [":", "/c"]],
    ["lowerdir=/a\\\nb", ["/a\nb"]],
    ["lowerdir=/größe:/世界", ["/größe", "/世界"]],
    ["upperdir=/a:/b", undefined],
    ["lowerdir+=/a", undefined],
    ["lowerdir", undefined],
  ];
  for (const [option, expected] of rows) {
    test(`${JSON.stringify(option)} are ${JSON.stringify(expected)}`, () =>
      assert.deepEqual(lowerDirsOf(option), expected));
  }

  test("are the same after any name was written as overlay wants it", () => {
    const letters = ["a", ":", "\\", ",", " "];
    const names = letters.flatMap((a) => letters.flatMap((b) => letters.map((c) => `/${a}${b}${c}`)));
    const escaped = names.map((name) => name.replace(/[\\:,]/g, "\\$&"));
    assert.deepEqual(lowerDirsOf(`lowerdir=${escaped.join(":")}`), names);
    assert.deepEqual(escaped.map(unescapeName), names);
  });
});

describe("short names for lower directories", () => {
  test("mean the same directories until they are closed, other options stay", async () => {
    const dirs = place.make("short/a:b", "short/c\\");
    for (const [n, dir] of dirs.entries()) fs.writeFileSync(path.join(dir, `file-${n}`), "");
    const lowerdir = dirs.map((dir) => dir.replace(/[\\:]/g, "\\$&")).join(":");
    const before = openDirectories(place.dir);
    const { options, close } = await shortenLowerDirs(["index=off", `lowerdir=${lowerdir}`, "upperdir=/u"]);
    const [index, short = "", upper] = options;
    assert.deepEqual([index, upper], ["index=off", "upperdir=/u"]);
    const names = lowerDirsOf(short) ?? [];
    assert.deepEqual(names.flatMap((name) => fs.readdirSync(name)).sort(), ["file-0", "file-1"]);
    assert.ok(names.every((name) => name.length <= 18));
    assert.equal(openDirectories(place.dir), before + 2);
    close();
    assert.equal(openDirectories(place.dir), before);
  });

  test("are closed again where one directory is missing, which is named", async () => {
    const [dir = ""] = place.make("there");
    const before = openDirectories(place.dir);
    await assert.rejects(
      shortenLowerDirs([`lowerdir=${dir}:${dir}-not`]),
      (err: Error) =>
        hasCode(err, StatusCode.notFound) && err.message === `lower directory ${dir}-not: ENOENT`,
    );
    assert.equal(openDirectories(place.dir), before);
  });
});
