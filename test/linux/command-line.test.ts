import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const module = pathToFileURL(
  path.join(path.dirname(fileURLToPath(import.meta.url)), "../../src/linux/command-line.ts"),
).href;

/** What a process with the words `-id old`, and room for 20 more bytes, tells of itself after a change. */
function changed(words: readonly string[]): { done: boolean; before: string[]; after: string[] } {
  const script = `
    const fs = require("node:fs");
    const read = () => fs.readFileSync("/proc/self/cmdline", "latin1").split("\\0");
    const before = read();
    const { setCommandLine } = await import(${JSON.stringify(module)});
    const done = setCommandLine(JSON.parse(process.env.WORDS));
    console.log(JSON.stringify({ done, before, after: read() }));`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["-e", script, "--", "-id", `old${" ".repeat(20)}`],
    // Not in the script, which is a part of the command line itself.
    { encoding: "utf8", env: { ...process.env, WORDS: JSON.stringify(words) } },
  );
  assert.equal(stderr, "");
  return JSON.parse(stdout) as ReturnType<typeof changed>;
}

describe("the command line of a process", () => {
  test("is what it says, the last word filled up with blanks, and nothing after it", () => {
    const { done, before, after } = changed(["program", "-id", "new"]);
    assert.equal(done, true);
    assert.equal(after.length, 4);
    assert.deepEqual(after.slice(0, 2), ["program", "-id"]);
    assert.equal(after[2]?.trimEnd(), "new");
    assert.equal(after[3], "");
    assert.equal(after.join("\0").length, before.join("\0").length);
  });

  test("stays where the words do not fit", () => {
    const { done, before, after } = changed(["program", "x".repeat(10_000)]);
    assert.equal(done, false);
    assert.deepEqual(after, before);
  });

  test("takes as many bytes as there are, and not one more", () => {
    const room = changed(["program"]).before.join("\0").length - 1;
    assert.equal(changed(["x".repeat(room)]).after[0], "x".repeat(room));
    assert.equal(changed(["x".repeat(room + 1)]).done, false);
  });
});
