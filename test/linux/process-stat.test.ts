import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { until } from "../../lab/until.ts";
import {
  isNamespaceInit,
  isSameLiveProcess,
  ownChildren,
  parseProcessStat,
  readProcessStat,
} from "../../src/linux/process-stat.ts";

const rest = Array.from({ length: 50 }, (_, n) => n + 5).join(" ");

describe("the stat of a process", () => {
  for (const name of ["cat", "a b", "tmux: server)", "((", ") R 1 ("]) {
    test(`is parsed where the name is ${JSON.stringify(name)}`, () => {
      assert.deepEqual(parseProcessStat(`12 (${name}) D 7 ${rest}`), {
        state: "D",
        parent: 7,
        session: 6,
        isExiting: false,
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

describe("the same live process", () => {
  const started = (pid: number) => readProcessStat(pid)?.startTime ?? 0;

  test("is one with the pid and the start time", () => {
    assert.equal(isSameLiveProcess(process.pid, started(process.pid)), true);
    assert.equal(isSameLiveProcess(process.pid, started(process.pid) - 1), false);
    assert.equal(isSameLiveProcess(4_194_303, 1), false);
  });

  test("is not a zombie", async () => {
    // A parent that collects nobody.
    const parent = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 1000"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const pid = Number(await new Promise((resolve) => parent.stdout.once("data", resolve)));
    await until("the zombie", () => (readProcessStat(pid)?.state === "Z" ? true : undefined));
    assert.equal(isSameLiveProcess(pid, started(pid)), false);
    parent.kill("SIGKILL");
  });

  test("lives on in its other threads when its first has ended", async () => {
    const module = fileURLToPath(new URL("../../src/linux/native-module.ts", import.meta.url));
    // exit(2), unlike exit(3), ends the calling thread alone; its number differs between architectures.
    const script = `
      import { loadNativeModule } from ${JSON.stringify(module)};
      const { Worker } = await import("node:worker_threads");
      const worker = new Worker("setInterval(() => {}, 1000)", { eval: true });
      await new Promise((resolve) => worker.once("online", resolve));
      loadNativeModule().load(null).func("long syscall(long number, long status)")(process.arch === "arm64" ? 93 : 60, 0);`;
    const child = spawn(process.execPath, ["-e", script], { stdio: "inherit" });
    const exited = new Promise((resolve) => child.once("exit", resolve));
    const pid = child.pid ?? 0;
    const start = started(pid);
    await until("its first thread to end", () => (readProcessStat(pid)?.state === "Z" ? true : undefined));
    assert.equal(isSameLiveProcess(pid, start), true);
    child.kill("SIGKILL");
    await exited;
    assert.equal(isSameLiveProcess(pid, start), false);
  });
});

test("ownChildren lists a child while it lives", async () => {
  const child = spawn("sleep", ["1000"]);
  assert.ok(ownChildren().includes(child.pid ?? 0));
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  assert.ok(!ownChildren().includes(child.pid ?? 0));
});

describe("the init of a pid namespace", () => {
  test("is no process of the host's, and none that is not there", () => {
    assert.equal(isNamespaceInit(process.pid), false);
    assert.equal(isNamespaceInit(2 ** 22), false);
  });

  test("is told also when it is a zombie", { skip: process.getuid?.() !== 0 && "needs root" }, async () => {
    const child = spawn("unshare", ["--pid", "--fork", "--kill-child", "sleep", "1000"]);
    const inner = await until("the process in the namespace", () => {
      const children = fs.readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
      return children === "" ? undefined : Number(children);
    });
    assert.equal(isNamespaceInit(inner), true);
    assert.equal(isNamespaceInit(child.pid ?? 0), false);
    child.kill("SIGSTOP");
    // Else it could still collect the child that is to stay a zombie.
    await until("the parent to stop", () =>
      readProcessStat(child.pid ?? 0)?.state === "T" ? true : undefined,
    );
    process.kill(inner, "SIGKILL");
    await until("its end", () => (readProcessStat(inner)?.state === "Z" ? true : undefined));
    assert.equal(isNamespaceInit(inner), true);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
  });
});
