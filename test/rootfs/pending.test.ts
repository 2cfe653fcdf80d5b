import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { readProcessStat } from "../../src/linux/process-stat.ts";
import { type PendingRelease, PendingReleases } from "../../src/rootfs/pending.ts";
import { status } from "../support/status.ts";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-pending-"));
const children: ChildProcess[] = [];
let folders = 0;
after(() => {
  for (const child of children) child.kill("SIGKILL");
  fs.rmSync(dir, { recursive: true });
});

/** A process that stands for a helper, and what ends it. */
function helper() {
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  children.push(child);
  const pid = child.pid ?? 0;
  const startTime = readProcessStat(pid)?.startTime ?? 0;
  const end = () =>
    new Promise<void>((resolve) => {
      child.once("exit", () => resolve());
      child.kill("SIGKILL");
    });
  return { pid, startTime, end };
}

function registry() {
  folders += 1;
  const run = path.join(dir, `run-${folders}`);
  return { run, files: () => fs.readdirSync(path.join(run, "pending")), pending: new PendingReleases(run) };
}

function entry({ pid, startTime }: { pid: number; startTime: number }, more: Partial<PendingRelease> = {}) {
  return {
    namespace: "default",
    id: "one",
    mode: "deferred",
    kind: "overlay",
    mountPoint: "/bundles/one/rootfs",
    mountId: 77,
    mounted: "0:55",
    source: "/snapshots/1/fs",
    key: "file 1:2",
    device: "8:1",
    since: new Date().toISOString(),
    helper: { pid, startTime },
    ...more,
  } as const;
}

/** Does something while this process may open no file more. */
function withoutDescriptors(work: () => void): void {
  const limit = (soft: string) => execFileSync("prlimit", ["--pid", `${process.pid}`, `--nofile=${soft}:`]);
  const before = execFileSync("prlimit", [
    "--noheadings",
    "--output=SOFT",
    "--pid",
    `${process.pid}`,
    "--nofile",
  ]);
  const taken: number[] = [];
  limit("200");
  try {
    for (;;) taken.push(fs.openSync("/dev/null", "r"));
  } catch {
    work();
  } finally {
    for (const fd of taken) fs.closeSync(fd);
    limit(before.toString().trim());
  }
}

describe("the host's list of pending releases", () => {
  test("is empty where nobody ever wrote to it, and reading makes nothing", () => {
    const { run, pending } = registry();
    assert.deepEqual([pending.list(), pending.find(["file 1:2"])], [[], undefined]);
    assert.equal(fs.existsSync(run), false);
  });

  test("shows an entry to everybody while its helper lives, in files that only root can read", async () => {
    const { run, pending, files } = registry();
    const one = entry(helper());
    const remove = pending.add(one);
    assert.deepEqual(new PendingReleases(run).list(), [one]);
    assert.deepEqual(pending.find(["file 9:9", "file 1:2"]), one);
    assert.equal(pending.find(["file 1:20"]), undefined);
    const modes = [run, path.join(run, "pending")].map((folder) => fs.statSync(folder).mode & 0o777);
    assert.deepEqual(modes, [0o700, 0o700]);
    assert.equal(fs.statSync(path.join(run, "pending", files()[0] ?? "")).mode & 0o777, 0o600);
    remove();
    remove();
    assert.deepEqual([pending.list(), files()], [[], []]);
  });

  test("keeps apart several of one upper directory, oldest first", () => {
    const { pending } = registry();
    const holder = helper();
    const young = entry(holder, { mountId: 1, since: "2026-02-01T00:00:02.000Z" });
    const old = entry(holder, { mountId: 2, since: "2026-02-01T00:00:01.000Z" });
    for (const one of [young, old]) pending.add(one);
    assert.deepEqual(pending.list(), [old, young]);
    assert.deepEqual(pending.find(["file 1:2"]), old);
  });

  for (const [title, change] of [
    ["whose helper has ended", async (one: ReturnType<typeof helper>) => one.end()],
    [
      "whose helper's pid is another process's now",
      async (one: { startTime: number }) => {
        one.startTime += 1;
      },
    ],
  ] as const) {
    test(`drops an entry ${title}`, async () => {
      const { pending, files } = registry();
      const holder = helper();
      await change(holder);
      pending.add(entry(holder));
      assert.equal(files().length, 1);
      assert.equal(pending.find(["file 1:2"]), undefined);
      assert.deepEqual([pending.list(), files()], [[], []]);
    });
  }

  test("is left as it is by who only looks, and shows no helper that has ended", async () => {
    const { pending, files } = registry();
    const holder = helper();
    pending.add(entry(holder));
    await holder.end();
    assert.deepEqual([pending.list(), files().length], [[], 1]);
  });

  test("does not keep what nobody asks for once its helper has ended", async () => {
    const { pending, files } = registry();
    const [ended, living] = [helper(), helper()];
    for (const one of [ended, living]) pending.add(entry(one, { key: `file ${one.pid}` }));
    await ended.end();
    pending.add(entry(living, { key: "file 5:5" }));
    assert.equal(files().length, 2);
    assert.ok(files().every((name) => name.includes(`.${living.pid}.`)));
  });

  for (const text of ["", "{", "null", '{"namespace": 7}', "\0".repeat(100), "x".repeat(100_000)]) {
    test(`survives a damaged file: ${JSON.stringify(text.slice(0, 20))}`, () => {
      const { run, pending } = registry();
      const one = entry(helper());
      pending.add(one);
      const [name = ""] = fs.readdirSync(path.join(run, "pending"));
      const damaged = path.join(run, "pending", name.replace("77", "78"));
      fs.writeFileSync(damaged, text);
      assert.deepEqual(pending.list(), [one]);
      assert.deepEqual(pending.find([one.key]), one);
      assert.equal(fs.existsSync(damaged), false);
    });
  }

  test("does not take a file for an entry that somebody is just writing, nor removes it", () => {
    const { run, pending } = registry();
    pending.add(entry(helper()))();
    const temporary = path.join(run, "pending", ".x.json.123.tmp");
    fs.writeFileSync(temporary, '{"na');
    assert.deepEqual(pending.list(), []);
    assert.ok(fs.existsSync(temporary));
  });

  for (const [title, spoil] of [
    ["others may write to", (run: string) => fs.chmodSync(run, 0o777)],
    [
      "is a file",
      (run: string) => {
        fs.rmSync(run, { recursive: true });
        fs.writeFileSync(run, "");
      },
    ],
  ] as const) {
    test(`refuses to write to a run directory that ${title}`, () => {
      const { run, pending } = registry();
      fs.mkdirSync(run);
      spoil(run);
      assert.throws(
        () => pending.add(entry({ pid: 1, startTime: 1 })),
        (err: Error) => err.message.includes(run),
      );
    });
  }
});

describe("a run directory that cannot be read", () => {
  test("is an error for who lists, and holds nobody up who wants to mount", () => {
    const { run, pending } = registry();
    fs.writeFileSync(run, "");
    assert.throws(() => pending.list(), status(StatusCode.invalidArgument, /^read .*\/pending: ENOTDIR$/));
    assert.equal(pending.find(["file 1:2"]), undefined);
  });
});

describe("waiting for a pending release", () => {
  test("ends at once where there is none, and is told of nothing", async () => {
    const { pending } = registry();
    pending.add(entry(helper(), { key: "file 3:3" }));
    await pending.waitUntilFree(["file 1:2"], { limitMs: 1, onWait: () => assert.fail("waited") });
    await pending.waitUntilFree([], { limitMs: 1, onWait: () => assert.fail("waited") });
  });

  test("ends when its helper has", async () => {
    const { pending, files } = registry();
    const holder = helper();
    pending.add(entry(holder));
    const told: PendingRelease[] = [];
    let over = false;
    const waiting = pending.waitUntilFree(["file 1:2"], { limitMs: 60_000, onWait: (one) => told.push(one) });
    void waiting.then(() => {
      over = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual([over, told.length], [false, 1]);
    await holder.end();
    await waiting;
    assert.deepEqual([told.length, files()], [1, []]);
  });

  test("fails where nothing can be read for want of descriptors, and takes no entry for a leftover", async () => {
    const { pending, files } = registry();
    pending.add(entry(helper()));
    withoutDescriptors(() => assert.throws(() => pending.find(["file 1:2"]), /EMFILE/));
    assert.equal(files().length, 1);
    await assert.rejects(pending.waitUntilFree(["file 1:2"], { limitMs: 1 }), /still being released/);
  });

  test("gives up at its limit with what is held, by whom and since when", async () => {
    const { pending } = registry();
    const holder = helper();
    pending.add(entry(holder, { since: new Date(Date.now() - 90_000).toISOString() }));
    await assert.rejects(pending.waitUntilFree(["file 1:2"], { limitMs: 30 }), (err: Error) => {
      assert.ok(hasCode(err, StatusCode.unavailable));
      assert.match(
        err.message,
        new RegExp(`^/snapshots/1/fs is .*, for 9\\d s, by pid ${holder.pid} .* 30 ms`),
      );
      return true;
    });
  });

  for (const [title, ms] of [
    ["forth", 1e12],
    ["back", -1e12],
  ] as const) {
    test(`keeps its limit when the time of day is set ${title}`, async (t) => {
      const { pending } = registry();
      pending.add(entry(helper()));
      const find = t.mock.method(pending, "find");
      const waiting = pending.waitUntilFree(["file 1:2"], {
        limitMs: 100,
        onWait: () => {
          const { now } = Date;
          t.mock.method(Date, "now", () => now() + ms);
        },
      });
      await assert.rejects(waiting, /waited 100 ms/);
      assert.ok(find.mock.callCount() > 2, `looked ${find.mock.callCount()} times`);
    });
  }

  test("ends with its caller", async () => {
    const { pending } = registry();
    pending.add(entry(helper()));
    const caller = new AbortController();
    const waiting = pending.waitUntilFree(["file 1:2"], { limitMs: 60_000, signal: caller.signal });
    caller.abort(new Error("gone"));
    await assert.rejects(waiting, /gone/);
  });
});
