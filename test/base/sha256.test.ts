import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { sha256 } from "../../src/base/sha256.ts";

describe("sha256", () => {
  for (const text of ["", "abc", "/var/lib/é\n", "a".repeat(1000)]) {
    test(`is what every implementation makes of ${JSON.stringify(text.slice(0, 12))}`, () => {
      assert.equal(sha256(text), createHash("sha256").update(text).digest("hex"));
    });
  }
});
