import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasColour } from "../../../src/client/cli/colour.ts";
import { type Cell, describeTable, type Row, type TableOptions } from "../../../src/client/cli/table.ts";

const show = (rows: readonly Row[], options: Partial<TableOptions> = {}) =>
  describeTable(["NAME", "STATE"], rows, { plain: true, ...options });
const green: Cell = { text: "running", colour: "green" };

describe("a table", () => {
  test("is plain columns where it is not for a terminal", () => {
    const rows = [
      ["a", "running"],
      ["longer", "-"],
    ];
    assert.equal(show(rows), "NAME    STATE\na       running\nlonger  -");
  });

  test("has a frame on a terminal", () => {
    assert.match(show([["a", "b"]], { plain: false }), /^┌─+┬─+┐\n│ NAME │ STATE │\n[\s\S]*┘$/);
  });

  test("is its head alone where there is nothing", () => {
    assert.equal(show([]), "NAME  STATE");
  });

  test("has a note over its whole width, a line each", () => {
    assert.equal(
      show([["a", "b"], { note: ["first line of it", "second"] }])
        .split("\n")
        .slice(2)
        .join("\n"),
      "  first line of it\n  second",
    );
  });

  test("makes every text in it harmless", () => {
    const text = show([["\u001b[2J", { text: "\u0007", colour: "red" }], { note: ["\u001bc"] }], {
      colour: false,
    });
    assert.doesNotMatch(text.replaceAll("\n", ""), /\p{Cc}/u);
    assert.match(text, /\\x1b\[2J +\\x07\n {2}\\x1bc$/);
  });

  test("has colours only where it may, which change no width", () => {
    assert.equal(show([["a", green]]), "NAME  STATE\na     running");
    assert.equal(show([["a", green]], { colour: true }), "NAME  STATE\na     \u001b[32mrunning\u001b[0m");
  });
});

describe("colours", () => {
  const rows: [title: string, isTTY: boolean, env: NodeJS.ProcessEnv, expected: boolean][] = [
    ["are for terminals", true, {}, true],
    ["are for nothing else", false, {}, false],
    ["are not for who sets NO_COLOR", true, { NO_COLOR: "1" }, false],
    ["are for who sets NO_COLOR to nothing", true, { NO_COLOR: "" }, true],
    ["are not for a terminal that has none", true, { TERM: "dumb" }, false],
  ];
  for (const [title, isTTY, env, expected] of rows) {
    test(title, () => assert.equal(hasColour({ isTTY }, env), expected));
  }
});
