import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { ContainerStdio, type StdioOptions } from "../../src/client/stdio.ts";
import { openFiles, scratchDir } from "./support.ts";

const root = scratchDir();
let made = 0;

function open(options: StdioOptions): Promise<ContainerStdio> {
  made += 1;
  return ContainerStdio.open(path.join(root, String(made)), options);
}

function shell(text: string) {
  return spawn("/bin/sh", ["-c", text], { stdio: "ignore" });
}

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function allClosed(): Promise<void> {
  while (openFiles(root).length > 0) await new Promise((resolve) => setImmediate(resolve));
}

describe("the streams of a container", () => {
  test("are none unless one is asked for", async () => {
    const stdio = await open({});
    assert.deepEqual(stdio.paths, { stdin: "", stdout: "", stderr: "" });
    assert.equal(await stdio.drained(10_000), true);
    await stdio.close();
  });

  test("are pipes in a directory that is the owner's alone, both outputs with either", async () => {
    const stdio = await open({ stdout: () => {} });
    assert.equal(stdio.paths.stdin, "");
    assert.ok(statSync(stdio.paths.stderr).isFIFO());
    assert.equal(statSync(path.dirname(stdio.paths.stdout)).mode & 0o777, 0o700);
    assert.ok(statSync(stdio.paths.stdout).isFIFO());
    await stdio.close();
    assert.equal(existsSync(stdio.paths.stdout), false);
    await allClosed();
  });

  test("bring each output to its sink, whole and in order", async () => {
    const text = { stdout: "", stderr: "" };
    const stdio = await open({
      stdout: (data) => {
        text.stdout += Buffer.from(data).toString();
      },
      stderr: (data) => {
        text.stderr += Buffer.from(data).toString();
      },
    });
    shell(`exec >${stdio.paths.stdout} 2>${stdio.paths.stderr}; seq 1 20000; echo oops >&2`);
    assert.equal(await stdio.drained(10_000), true);
    assert.equal(text.stdout, `${Array.from({ length: 20_000 }, (_, at) => at + 1).join("\n")}\n`);
    assert.equal(text.stderr, "oops\n");
    await stdio.close();
    await allClosed();
  });

  test("wait for a slow sink, and hold at most a pipe full meanwhile", async () => {
    const gate = deferred();
    let taken = 0;
    const stdio = await open({
      stdout: async (data) => {
        taken += data.length;
        await gate.promise;
      },
    });
    shell(`exec >${stdio.paths.stdout} 2>${stdio.paths.stderr}; head -c 300000 /dev/zero`);
    const drained = stdio.drained(20);
    await new Promise((resolve) => setTimeout(resolve, 100));
    // A pipe full was read, and the writer has filled the pipe again: the rest waits for the sink.
    assert.ok(taken <= 2 * 65_536, `${taken} bytes`);
    gate.resolve();
    assert.equal(await drained, true);
    assert.equal(taken, 300_000);
    await stdio.close();
  });

  test("are given up when a writer holds on to them in silence", async () => {
    const stdio = await open({ stdout: () => {} });
    const writer = shell(`exec >${stdio.paths.stdout}; exec sleep 60`);
    assert.equal(await stdio.drained(50), false);
    writer.kill();
    await stdio.close();
    await allClosed();
  });

  test("are given up on abort", async () => {
    const stdio = await open({ stdout: () => {} });
    assert.equal(await stdio.drained(60_000, AbortSignal.abort()), false);
    await stdio.close();
  });

  test("are emptied on after a sink has failed, which is told once", async () => {
    const failures: string[] = [];
    const stdio = await open({
      stdout: () => Promise.reject(new Error("disk full")),
      onFailure: (error, stream) => failures.push(`${stream}: ${(error as Error).message}`),
    });
    shell(`exec >${stdio.paths.stdout} 2>${stdio.paths.stderr}; head -c 300000 /dev/zero`);
    assert.equal(await stdio.drained(10_000), true);
    assert.deepEqual(failures, ["stdout: disk full"]);
    await stdio.close();
  });

  test("take a sink that throws like one that rejects", async () => {
    const failures: unknown[] = [];
    const stdio = await open({
      stdout: () => {
        throw new Error("no");
      },
      onFailure: (error) => failures.push(error),
    });
    shell(`exec >${stdio.paths.stdout} 2>${stdio.paths.stderr}; echo x`);
    assert.equal(await stdio.drained(10_000), true);
    assert.equal(failures.length, 1);
    await stdio.close();
  });
});

describe("the stdin of a container", () => {
  test("is fed once somebody reads it, and its end is told after all was written", async () => {
    const stdio = await open({ stdin: chunks("one ", "two") });
    const ended = deferred();
    stdio.feedStdin(async () => ended.resolve());
    const reader = spawn("/bin/sh", ["-c", `cat <${stdio.paths.stdin}`], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let text = "";
    for await (const chunk of reader.stdout) text += String(chunk);
    assert.equal(text, "one two");
    await ended.promise;
    await stdio.close();
  });

  test("ends also where its source fails, which is told", async () => {
    const failed = deferred<string>();
    const ended = deferred();
    const stdio = await open({
      // A terminal that has gone reads like that.
      stdin: (async function* () {
        yield Buffer.from("one");
        throw new Error("no terminal");
      })(),
      onFailure: (error, stream) => failed.resolve(`${stream} ${(error as Error).message}`),
    });
    stdio.feedStdin(async () => ended.resolve());
    const reader = shell(`cat <${stdio.paths.stdin}`);
    await new Promise((resolve) => reader.once("exit", resolve));
    await ended.promise;
    assert.equal(await failed.promise, "stdin no terminal");
    await stdio.close();
  });

  test("may never be read: a close ends the feeding, quietly", async () => {
    const failures: unknown[] = [];
    const stdio = await open({ stdin: chunks("x"), onFailure: (error) => failures.push(error) });
    stdio.feedStdin(() => assert.fail("no end was reached"));
    await stdio.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(failures, []);
    await allClosed();
  });

  test("tells when its reader goes away", async () => {
    const failed = deferred<string>();
    const never = deferred<Uint8Array>();
    const stdio = await open({
      stdin: (async function* () {
        yield Buffer.from("first\n");
        yield await never.promise;
      })(),
      onFailure: (error, stream) => failed.resolve(`${stream} ${(error as NodeJS.ErrnoException).code}`),
    });
    stdio.feedStdin(async () => {});
    const reader = shell(`head -n 1 <${stdio.paths.stdin}`);
    await new Promise((resolve) => reader.once("exit", resolve));
    never.resolve(Buffer.from("second\n"));
    assert.equal(await failed.promise, "stdin EPIPE");
    await stdio.close();
  });
});
