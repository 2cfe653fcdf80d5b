import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { nullLogger } from "../../src/base/logger.ts";
import { OomWatches } from "../../src/shim/task/oom.ts";
import { FakeLibc } from "../linux/fake-libc.ts";
import { withTempDir } from "../support/files.ts";

/** A container of a v2 host, whose kills a test counts up; `told` says how often it was told. */
function container(unified: string) {
  const file = path.join(unified, "memory.events");
  const kill = (count: number) => fs.writeFileSync(file, `oom 9\noom_kill ${count}\n`);
  return { dirs: { version: 2, unified } as const, kill };
}

async function withWatches(body: (watches: OomWatches) => Promise<void>): Promise<void> {
  const watches = new OomWatches({ libc: new FakeLibc(), logger: nullLogger });
  try {
    await body(watches);
  } finally {
    watches.close();
  }
}

describe("a container that is out of memory", () => {
  test("is told when the kernel gives notice, once for all kills since the last look", async () => {
    await withTempDir(async (dir) => {
      await withWatches(async (watches) => {
        const { dirs, kill } = container(dir);
        kill(0);
        let told = 0;
        const watch = watches.watch(dirs, () => told++);
        kill(3);
        await until("the notice", () => told > 0 || undefined);
        watch.look();
        assert.equal(told, 1);
        kill(4);
        watch.look();
        assert.equal(told, 2);
      });
    });
  });

  test("is told by a look at once, and not again by the notice", async () => {
    await withTempDir(async (dir) => {
      await withWatches(async (watches) => {
        const { dirs, kill } = container(dir);
        kill(1);
        let told = 0;
        const watch = watches.watch(dirs, () => told++);
        watch.look();
        assert.equal(told, 0, "what happened before is not told");
        kill(2);
        watch.look();
        assert.equal(told, 1);
        // A second container, so that it is known when the notices have come.
        const other = path.join(dir, "other");
        fs.mkdirSync(other);
        const next = container(other);
        next.kill(0);
        let nextTold = 0;
        watches.watch(next.dirs, () => nextTold++);
        next.kill(1);
        await until("the notice", () => nextTold > 0 || undefined);
        assert.equal(told, 1);
      });
    });
  });

  test("is told by its look alone where there can be no notice, and not after it is let go", async () => {
    await withTempDir(async (dir) => {
      await withWatches(async (watches) => {
        const file = path.join(dir, "memory.oom_control");
        const write = (text: string) => fs.writeFileSync(file, text);
        write("oom_kill_disable 1\nunder_oom 0\noom_kill 0\n");
        let told = 0;
        const watch = watches.watch({ version: 1, controllers: { memory: dir } }, () => told++);
        write("oom_kill_disable 1\nunder_oom 1\noom_kill 0\n");
        watch.look();
        watch.look();
        assert.equal(told, 1, "its processes wait, which is told once");
        fs.rmSync(file);
        watch.look();
        assert.equal(told, 1);
        watch.close();
        watch.close();
      });
    });
  });
});
