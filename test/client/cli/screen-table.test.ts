import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ScreenTable } from "../../../src/client/cli/screen-table.ts";

/** A screen of so many rows, and what was written to it. */
function fakeScreen(rows: number) {
  const written: string[] = [];
  return { written, screen: { rows, write: (text: string) => written.push(text) > 0 } };
}

describe("a table on a terminal", () => {
  test("takes its own place again", () => {
    const { written, screen } = fakeScreen(25);
    const table = new ScreenTable(screen as unknown as NodeJS.WriteStream);
    table.show("a\nb");
    table.show("c");
    table.show("d");
    assert.deepEqual(written, ["a\nb\n", "\u001b[2F\u001b[Jc\n", "\u001b[1F\u001b[Jd\n"]);
  });

  test("has no more lines than the terminal", () => {
    const { written, screen } = fakeScreen(3);
    const table = new ScreenTable(screen as unknown as NodeJS.WriteStream);
    table.show("a\nb\nc\nd");
    table.show("e");
    assert.deepEqual(written, ["a\nb\n", "\u001b[2F\u001b[Je\n"]);
  });
});
