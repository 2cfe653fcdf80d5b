import assert from "node:assert/strict";
import path from "node:path";
import { describe, test } from "node:test";
import { command, must } from "../../lab/command.ts";
import { makeSlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";

describe("a command", () => {
  test("hands on what the program said and how it ended", async () => {
    const { stdout, stderr, exitCode } = await command("sh", ["-c", "echo out; echo err >&2; exit 3"]);
    assert.deepEqual({ stdout, stderr, exitCode }, { stdout: "out\n", stderr: "err\n", exitCode: 3 });
  });

  test("reads what it was given, and nothing where that is nothing", async () => {
    const input = "x".repeat(1 << 20);
    assert.equal((await command("cat", [], { input })).stdout, input);
    assert.equal((await command("cat", [])).stdout, "");
    assert.equal((await command("true", [], { input })).exitCode, 0);
  });

  test("that takes too long is killed", async () => {
    assert.equal((await command("sleep", ["1000"], { timeoutMs: 50 })).exitCode, 137);
  });

  test("is not waited for by what a killed program left with its output", async () => {
    const left = command("sh", ["-c", "sleep 5 & wait"], { timeoutMs: 50, killGraceMs: 50 });
    await assert.rejects(left, /^Error: sh .* has not ended 50 ms later$/);
  });

  test("that must succeed says what was said where it fails", async () => {
    await assert.rejects(must("sh", ["-c", "echo no >&2; exit 4"]), /failed with exit status 4: no$/);
  });

  test("is given up where the program sleeps in the kernel and takes no signal", {
    skip: whyNoSlowDisk() ?? false,
  }, async (t) => {
    const disk = await makeSlowDisk({ size: 64 << 20 });
    t.after(() => disk.dispose());
    disk.throttle(1);
    await must("dd", ["if=/dev/zero", `of=${path.join(disk.mountPoint, "data")}`, "bs=1M", "count=4"]);
    const sync = command("sync", ["--file-system", disk.mountPoint], { timeoutMs: 200, killGraceMs: 50 });
    await assert.rejects(sync, /^Error: sync .* was killed after 200 ms and has not ended 50 ms later$/);
  });
});
