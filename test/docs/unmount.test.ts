import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { VARIABLES } from "../../src/shim/settings.ts";
import { outcomeTable } from "../rootfs/durability.ts";

const root = path.join(import.meta.dirname, "../..");
const page = fs.readFileSync(path.join(root, "docs/unmount.md"), "utf8");
const found = (pattern: RegExp) => [...page.matchAll(pattern)].map(([, text = ""]) => text);

describe("the page about a container's data", () => {
  test("promises for a power cut what the tests find", () => {
    assert.ok(page.includes(`\n${outcomeTable()}`), `docs/unmount.md does not have:\n${outcomeTable()}`);
  });

  test("names tests that are there", () => {
    const files = found(/`npm test -- ([^`]+)`/g).flatMap((text) => text.split(" "));
    assert.ok(files.length > 0);
    assert.deepEqual(
      files.filter((file) => !fs.existsSync(path.join(root, file))),
      [],
    );
  });

  test("names limits that are settings", () => {
    const limits = found(/`([a-z]+[A-Z]\w*)`/g);
    assert.ok(limits.length > 0);
    assert.deepEqual(
      limits.filter((limit) => !(limit in VARIABLES)),
      [],
    );
  });

  test("leads to pages, pictures and headings that are there", () => {
    const anchors = found(/^#+ (.+)$/gm).map((title) => title.toLowerCase().replaceAll(" ", "-"));
    for (const link of found(/\]\(([^)]+)\)/g)) {
      const [file = "", anchor] = link.split("#");
      assert.ok(fs.existsSync(path.join(root, "docs", file)), link);
      assert.ok(anchor === undefined || anchors.includes(anchor), link);
    }
  });
});
