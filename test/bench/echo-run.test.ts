import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { runEcho } from "../../bench/ttrpc/echo-run.ts";

const dir = mkdtempSync(path.join(os.tmpdir(), "ebb-echo-run-"));
after(() => rmSync(dir, { recursive: true }));

/** A program that does what it is told. */
function acted(name: string, text: string): string[] {
  const file = path.join(dir, `${name}.mjs`);
  writeFileSync(file, text);
  return [process.execPath, file];
}

const writePid = `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(path.join(dir, "pid"))}, String(process.pid));`;
const server = acted("server", `${writePid} console.log("ready"); setInterval(() => {}, 1000);`);
const client = acted(
  "client",
  `const [, bytes, atOnce, calls] = process.argv.slice(2).map(Number);
   console.log(JSON.stringify({ p50Us: bytes, p99Us: atOnce, perSecond: calls }));`,
);
const loads = {
  small: { bytes: 1, atOnce: 2, calls: 3 },
  large: { bytes: 4, atOnce: 5, calls: 6 },
};

/** Whether the server that was started last is there. */
function lives(): boolean {
  return existsSync(`/proc/${readFileSync(path.join(dir, "pid"), "utf8")}`);
}

describe("a run of the echo", () => {
  test("has what the client measured of each load, and what the server took", async () => {
    const { loads: found, memoryMb, anonymousMb } = await runEcho({ server, client }, dir, loads);
    assert.deepEqual([found.small.p50Us, found.small.p99Us, found.small.perSecond], [1, 2, 3]);
    assert.deepEqual([found.large.p50Us, found.large.p99Us, found.large.perSecond], [4, 5, 6]);
    assert.ok(memoryMb >= anonymousMb && anonymousMb > 0);
    assert.ok(found.small.serverUs >= 0);
  });

  test("leaves no server, also where the client fails", async () => {
    const failing = acted("failing", "process.exit(1);");
    await assert.rejects(runEcho({ server, client: failing }, dir, loads), /exit status 1/);
    assert.equal(lives(), false);
  });

  test("fails where the server ends before it serves", async () => {
    const gone = acted("gone", "");
    await assert.rejects(runEcho({ server: gone, client }, dir, loads), /ended before it served/);
  });
});
