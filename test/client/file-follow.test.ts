import assert from "node:assert/strict";
import { appendFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { type FollowOptions, followFile } from "../../src/client/file-follow.ts";
import { openFiles, scratchDir } from "./support.ts";

const dir = scratchDir();
let files = 0;

function fileOf(text: string): string {
  files += 1;
  const file = path.join(dir, String(files));
  writeFileSync(file, text);
  return file;
}

async function read(file: string, options: FollowOptions = {}): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of followFile(file, options)) pieces.push(piece);
  return Buffer.concat(pieces).toString("utf8");
}

describe("a file that grows", () => {
  const long = Array.from({ length: 30_000 }, (_, n) => `line ${n}\n`).join("");
  const rows: [title: string, text: string, tail: number | undefined, wanted: string][] = [
    ["is read whole", long, undefined, long],
    ["is read from its last line", "a\nb\nc\n", 1, "c\n"],
    ["is read from its last lines", "a\nb\nc\n", 2, "b\nc\n"],
    ["is read whole where it has fewer lines", "a\nb\n", 5, "a\nb\n"],
    ["is not read for no lines", "a\nb\n", 0, ""],
    ["may end without a newline", "a\nb", 1, "b"],
    ["may have empty lines at its end", "a\n\n\n", 2, "\n\n"],
    ["may be empty", "", 3, ""],
    ["is read from lines far from its end", long, 29_999, long.slice("line 0\n".length)],
    [
      "may have lines longer than what is read at a time",
      `a\n${"x".repeat(200_000)}\n`,
      1,
      `${"x".repeat(200_000)}\n`,
    ],
  ];
  for (const [title, text, tail, wanted] of rows) {
    test(title, async () => assert.equal(await read(fileOf(text), { tail }), wanted));
  }

  test("is followed until nothing more comes, with all that came until then", async () => {
    const file = fileOf("old\n");
    const steps = [() => appendFileSync(file, "new\n"), () => appendFileSync(file, "last\n")];
    // What comes along with the end is read as well.
    const ended = () => {
      steps.shift()?.();
      return steps.length === 0;
    };
    assert.equal(await read(file, { tail: 0, ended }), "new\nlast\n");
  });

  for (const [title, tail, wanted] of [
    ["is read up to where it ended at first, though it grows all the time", undefined, "one\ntwo\n"],
    ["has its last lines read up to there, too", 1, "two\n"],
  ] as const) {
    test(title, async () => {
      const file = fileOf("one\ntwo\n");
      let text = "";
      for await (const piece of followFile(file, { tail })) {
        text += Buffer.from(piece).toString();
        appendFileSync(file, "more\n");
        assert.ok(text.length < 1000, "it is read on and on");
      }
      assert.equal(text, wanted);
    });
  }

  test("that is not there is an error that names it", async () => {
    await assert.rejects(read(path.join(dir, "none")), /none/);
  });

  test("is closed again also where its reader leaves early", async () => {
    const file = fileOf(long);
    for await (const _ of followFile(file)) break;
    appendFileSync(file, "more\n");
    assert.deepEqual(openFiles(dir), []);
  });
});
