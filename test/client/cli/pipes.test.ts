import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { newPipesDirectory } from "../../../src/client/cli/pipes.ts";
import { scratchDir } from "../support.ts";

const dir = scratchDir();
/** Beyond the largest pid that the kernel gives. */
const NOBODY = 2 ** 23;

test("the directory of a command's pipes has a name of its own, and takes away those of commands that are gone", async () => {
  for (const name of [`io-${NOBODY}-00`, `io-${process.pid}-00`, "io-x", "bundles"])
    mkdirSync(path.join(dir, name));
  const [first, second] = [await newPipesDirectory(dir), await newPipesDirectory(dir)];
  assert.notEqual(first, second);
  assert.match(path.basename(first), new RegExp(`^io-${process.pid}-[0-9a-f]{12}$`));
  assert.deepEqual(readdirSync(dir).sort(), ["bundles", `io-${process.pid}-00`, "io-x"].sort());
});

test("the directory of a command's pipes may be the first of all", async () => {
  assert.match(await newPipesDirectory(path.join(dir, "none")), /\/none\/io-/);
});
