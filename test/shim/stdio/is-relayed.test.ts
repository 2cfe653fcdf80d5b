import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { isRelayed } from "../../../src/shim/stdio/is-relayed.ts";
import { withTempDir } from "../../support/files.ts";

describe("streams without a terminal are relayed", () => {
  const rows = [
    ["auto", false, false],
    ["auto", true, true],
    ["direct", true, false],
    ["relayed", false, true],
  ] as const;
  for (const [stdio, hasSelinux, expected] of rows) {
    const host = `with SELinux ${hasSelinux ? "enabled" : "not there"}`;
    test(`${expected ? "where" : "not where"} the settings say ${stdio}, ${host}`, () =>
      withTempDir(async (dir) => {
        const enforce = path.join(dir, "enforce");
        if (hasSelinux) fs.writeFileSync(enforce, "0");
        assert.equal(isRelayed({ stdio }, enforce), expected);
      }));
  }
});
