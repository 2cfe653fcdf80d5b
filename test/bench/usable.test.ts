import assert from "node:assert/strict";
import { test } from "node:test";
import { usable } from "../../bench/usable.ts";

test("a shim that the daemon cannot use is left out, and that is said with the reason", async () => {
  const shims = ["old", "new", "ours"].map((label) => ({ binary: `/${label}`, label, ours: false }));
  const told: string[] = [];
  const attempt = async ({ label }: { label: string }) => {
    if (label === "new") throw new Error("start failed");
  };
  const found = await usable(shims, attempt, (line) => told.push(line));
  assert.deepEqual(
    found.map(({ label }) => label),
    ["old", "ours"],
  );
  assert.deepEqual(told, ["new is left out: start failed"]);
});
