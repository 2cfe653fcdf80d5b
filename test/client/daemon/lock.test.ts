import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { takeLock } from "../../../src/client/daemon/lock.ts";
import { openFiles, scratchDir } from "../support.ts";

const dir = scratchDir();

/** Another process that has the lock until it is killed. */
async function holder(file: string): Promise<ChildProcess> {
  const child = spawn("flock", [file, "sh", "-c", "echo has it; exec sleep 60"]);
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return child;
}

describe("a lock", () => {
  test("is had once at a time, and again after its release", async () => {
    const file = path.join(dir, "once");
    const lock = await takeLock(file);
    assert.ok(lock !== undefined);
    assert.equal(await takeLock(file), undefined);
    assert.equal(readFileSync(file, "utf8"), `${process.pid}\n`);
    lock.release();
    const again = await takeLock(file);
    assert.ok(again !== undefined);
    again.release();
    assert.deepEqual(openFiles(dir), []);
  });

  test("of several that ask at once is had by one", async () => {
    const file = path.join(dir, "race");
    const locks = (await Promise.all(Array.from({ length: 10 }, () => takeLock(file)))).filter(Boolean);
    assert.equal(locks.length, 1);
    locks[0]?.release();
    assert.deepEqual(openFiles(dir), []);
  });

  test("of a process that was killed is free", async () => {
    const file = path.join(dir, "killed");
    const child = await holder(file);
    assert.equal(await takeLock(file), undefined);
    // The program that flock(1) has started has inherited the lock.
    const [program] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").split(" ");
    child.kill("SIGKILL");
    process.kill(Number(program), "SIGKILL");
    const lock = await until("the lock", () => takeLock(file));
    lock.release();
  });

  test("is held no more when its file is another one", async () => {
    const file = path.join(dir, "removed");
    const lock = await takeLock(file);
    assert.equal(lock?.holds(), true);
    rmSync(file);
    assert.equal(lock?.holds(), false);
    const other = await takeLock(file);
    assert.deepEqual([lock?.holds(), other?.holds()], [false, true]);
    for (const one of [lock, other]) one?.release();
  });

  test("in a directory that is not there is refused by name", async () => {
    await assert.rejects(takeLock(path.join(dir, "none/lock")), /none\/lock/);
  });
});
