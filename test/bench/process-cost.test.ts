import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { cpuSeconds, cpuSecondsOfAll, memoryOf, parseMemory } from "../../bench/process-cost.ts";

describe("a process's memory", () => {
  test("is read from its rolled up maps, in bytes", () => {
    const text = [
      "5558352b8000-7fff89e1f000 ---p 00000000 00:00 0                          [rollup]",
      "Rss:                1708 kB",
      "Pss:                 436 kB",
      "Pss_Dirty:           112 kB",
      "Pss_Anon:            111 kB",
      "Private_Dirty:       110 kB",
    ].join("\n");
    assert.deepEqual(parseMemory(text), { pss: 436 << 10, anonymous: 111 << 10, privateDirty: 110 << 10 });
  });

  test("of this process is some", () => assert.ok(memoryOf(process.pid).pss > 0));

  test("of a process that is not there is an error", () => assert.throws(() => memoryOf(2 ** 30)));
});

describe("a process's time", () => {
  test("has its children's where they are asked for", () => {
    const [own, all] = [cpuSeconds(process.pid), cpuSecondsOfAll(process.pid)];
    spawnSync("sh", ["-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"]);
    assert.ok(cpuSecondsOfAll(process.pid) - all > cpuSeconds(process.pid) - own);
  });
});
