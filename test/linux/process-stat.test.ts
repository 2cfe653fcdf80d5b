import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { describe, test } from "node:test";
import { ownChildren, parseProcessStat, readProcessStat } from "../../src/linux/process-stat.ts";

const rest = Array.from({ length: 50 }, (_, n) => n + 5).join(" ");

describe("the stat of a process", () => {
  for (const name of ["cat", "a b", "tmux: server)", "((", ") R 1 ("]) {
    test(`is parsed where the name is ${JSON.stringify(name)}`, () => {
      assert.deepEqual(parseProcessStat(`12 (${name}) D 7 ${rest}`), {
        state: "D",
        parent: 7,
        startTime: 22,
      });
    });
  }

  test("is undefined where it is none", () => {
    for (const text of ["", "12 (cat)", "garbage"]) assert.equal(parseProcessStat(text), undefined);
  });

  test("of this process tells that it runs, and its parent", () => {
    const stat = readProcessStat(process.pid);
    assert.equal(stat?.parent, process.ppid);
    assert.ok((stat?.startTime ?? 0) > 0);
  });

  test("of a process that is not there is undefined", () => {
    assert.equal(readProcessStat(4_194_305), undefined);
  });
});

test("ownChildren lists a child while it lives", async () => {
  const child = spawn("sleep", ["1000"]);
  assert.ok(ownChildren().includes(child.pid ?? 0));
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  assert.ok(!ownChildren().includes(child.pid ?? 0));
});
