import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { hasCode, StatusCode, StatusError } from "../../src/base/status.ts";
import { describeEnding, runProgram } from "../../src/client/program.ts";
import { script } from "../support/files.ts";
import { openFiles, scratchDir } from "./support.ts";

const dir = scratchDir();
const plainFile = path.join(dir, "plain");
writeFileSync(plainFile, "no program", { mode: 0o644 });
const shell = (text: string) => ({ file: "/bin/sh", args: ["-c", text], timeoutMs: 10_000 });
const code = (wanted: StatusCode) => (error: unknown) => hasCode(error, wanted);

/** Whether a process is there and no zombie. */
function lives(pid: string): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

describe("running a program", () => {
  test("returns what it wrote and how it ended", async () => {
    const result = await runProgram(shell("echo out; echo err >&2; exit 3"));
    assert.equal(result.stdout.toString(), "out\n");
    assert.equal(result.stderr.toString(), "err\n");
    assert.equal(result.output.length, 8);
    assert.equal(result.exitCode, 3);
    assert.equal(result.signal, undefined);
  });

  test("keeps both outputs in the order in which they came", async () => {
    const result = await runProgram(shell("echo 1; sleep 0.05; echo 2 >&2; sleep 0.05; echo 3"));
    assert.equal(result.output.toString(), "1\n2\n3\n");
  });

  test("hands it all of stdin, and an end", async () => {
    const stdin = Buffer.alloc(300_000, "x");
    const result = await runProgram({ ...shell("wc -c"), stdin });
    assert.equal(result.stdout.toString().trim(), "300000");
  });

  test("minds no program that reads nothing of its stdin", async () => {
    const result = await runProgram({ ...shell("exit 0"), stdin: Buffer.alloc(1_000_000) });
    assert.equal(result.exitCode, 0);
  });

  test("runs it in the directory and environment that were asked for", async () => {
    const result = await runProgram({ ...shell("pwd; echo $WORD"), cwd: dir, env: { WORD: "hello" } });
    assert.equal(result.stdout.toString(), `${dir}\nhello\n`);
  });

  test("runs it in a process group of its own", async () => {
    const result = await runProgram(shell("cut -d' ' -f1,5 /proc/$$/stat"));
    const [pid, group] = result.stdout.toString().trim().split(" ");
    assert.equal(group, pid);
  });

  test("tells the signal that ended it", async () => {
    const result = await runProgram(shell("kill -TERM $$"));
    assert.equal(result.signal, "SIGTERM");
    assert.equal(describeEnding(result), "killed by SIGTERM");
  });

  test("kills it past its time", async () => {
    const file = script(dir, "slow", "echo $$ >pid; exec sleep 60");
    const call = { file, args: ["start"], cwd: dir, timeoutMs: 200 };
    await assert.rejects(runProgram(call), (error: unknown) => {
      assert.ok(hasCode(error, StatusCode.deadlineExceeded));
      assert.match(error.message, /slow … start took longer than 200 ms/);
      return true;
    });
    const pid = readFileSync(`${dir}/pid`, "utf8").trim();
    while (lives(pid)) await new Promise((resolve) => setImmediate(resolve));
  });

  test("says so when it has ended but somebody else holds its outputs open", async () => {
    const call = { ...shell("sleep 1 & exit 0"), timeoutMs: 200 };
    await assert.rejects(runProgram(call), /it has ended, but another process holds its stdout/);
  });

  test("ends it when it writes more than it may", async () => {
    const call = { ...shell("head -c 100000 /dev/zero; exec sleep 60"), maxOutputBytes: 1000 };
    await assert.rejects(runProgram(call), code(StatusCode.resourceExhausted));
  });

  test("takes as much output as it may write", async () => {
    const call = { ...shell("head -c 1000 /dev/zero"), maxOutputBytes: 1000 };
    assert.equal((await runProgram(call)).stdout.length, 1000);
  });

  test("ends it on abort, with the signal's reason", async () => {
    const controller = new AbortController();
    const running = runProgram({ ...shell("exec sleep 60"), signal: controller.signal });
    controller.abort(new StatusError(StatusCode.cancelled, "no more"));
    await assert.rejects(running, /no more/);
  });

  test("starts nothing when aborted before", async () => {
    const call = { ...shell("echo there >started"), cwd: dir, signal: AbortSignal.abort(new Error("early")) };
    await assert.rejects(runProgram(call), /early/);
    assert.throws(() => readFileSync(`${dir}/started`));
  });

  const impossible: [title: string, file: string, cwd: string | undefined, wanted: StatusCode][] = [
    ["that does not exist", path.join(dir, "nowhere/at/all"), undefined, StatusCode.notFound],
    ["that may not be executed", plainFile, undefined, StatusCode.permissionDenied],
    ["in a directory that does not exist", "/bin/sh", path.join(dir, "nowhere"), StatusCode.notFound],
  ];
  for (const [title, file, cwd, wanted] of impossible) {
    test(`rejects a program ${title}, naming it`, async () => {
      const call = { file, args: [], timeoutMs: 1000, ...(cwd === undefined ? {} : { cwd }) };
      await assert.rejects(runProgram(call), (error: unknown) => {
        assert.ok(hasCode(error, wanted), String(error));
        return error.message.includes(file);
      });
    });
  }

  test("leaves no descriptor open", async () => {
    const open = () => openFiles("pipe:").length + openFiles("socket:").length;
    const before = open();
    for (let at = 0; at < 5; at += 1) await runProgram(shell("echo out"));
    // The runtime closes a pipe a moment after its end was told.
    await until("the pipes to be closed", () => (open() <= before ? true : undefined));
  });

  test("cuts a long output in a message", async () => {
    const text = describeEnding(await runProgram(shell("head -c 5000 /dev/zero | tr '\\0' x; exit 1")));
    assert.ok(text.startsWith("exit status 1: xxx"));
    assert.ok(text.length < 2100);
  });
});
