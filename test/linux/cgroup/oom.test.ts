import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { hasCode, StatusCode } from "../../../src/base/status.ts";
import { OomNotices, type OomState, readOomState } from "../../../src/linux/cgroup/oom.ts";
import { loadLibc } from "../../../src/linux/koffi-libc.ts";
import { countFds, withTempDir } from "../../support/files.ts";
import { withCgroup } from "../real-cgroup.ts";

const libc = loadLibc();
const skip = process.getuid?.() === 0 ? false : "needs root";
const skipV1 = skip || (fs.existsSync("/sys/fs/cgroup/memory") ? false : "needs the memory controller of v1");

describe("what the kernel says of a container that was out of memory", () => {
  const v1: [string, string, OomState | undefined][] = [
    ["nothing yet", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", { kills: 0, waiting: false }],
    ["it was killed for", "oom_kill_disable 0\nunder_oom 1\noom_kill 2\n", { kills: 2, waiting: false }],
    ["it waits", "oom_kill_disable 1\nunder_oom 1\noom_kill 0\n", { kills: 0, waiting: true }],
    ["the group is gone", "", undefined],
  ];
  for (const [title, text, state] of v1) {
    test(`v1: ${title}`, async () => {
      await withTempDir((memory) => {
        fs.writeFileSync(path.join(memory, "memory.oom_control"), text);
        assert.deepEqual(readOomState({ version: 1, controllers: { memory } }), state);
      });
    });
  }

  test("v2: it was killed for", async () => {
    await withTempDir((unified) => {
      fs.writeFileSync(path.join(unified, "memory.events"), "low 0\noom 3\noom_kill 2\noom_group_kill 1\n");
      assert.deepEqual(readOomState({ version: 2, unified }), { kills: 2, waiting: false });
    });
  });

  test("there is nothing to read without a memory controller", () => {
    assert.equal(readOomState({ version: 1, controllers: {} }), undefined);
    assert.equal(readOomState({ version: 2, unified: "/no/such/group" }), undefined);
  });
});

describe("notices of the kernel", () => {
  test("v1: come when a process was killed, through one descriptor for any number of groups", {
    skip: skipV1,
  }, async () => {
    const before = countFds();
    let notices = 0;
    const oom = new OomNotices(libc, () => notices++);
    await withCgroup("/sys/fs/cgroup/memory", async (memory) => {
      oom.subscribe({ version: 1, controllers: { memory } });
      const open = countFds();
      await withCgroup("/sys/fs/cgroup/memory", (other) => {
        oom.subscribe({ version: 1, controllers: { memory: other } });
        assert.equal(countFds(), open);
      });
      await until("the notice of a group that goes", () => notices > 0 || undefined);
      const known = notices;
      await runOutOfMemory(memory);
      await until("the notice of a kill", () => notices > known || undefined);
      assert.equal(readOomState({ version: 1, controllers: { memory } })?.kills, 1);
    });
    oom.close();
    await until("its descriptors to close", () => countFds() <= before || undefined);
  });

  test("v2: come when the kernel changes the file", { skip }, async () => {
    await withTempDir(async (dir) => {
      const mountPoint = path.join(dir, "cgroup2");
      fs.mkdirSync(mountPoint);
      await libc.mount({ source: "none", target: mountPoint, type: "cgroup2", flags: 0, data: "" });
      try {
        await withCgroup(mountPoint, async (group) => {
          // A v2 tree has memory.events only where no v1 tree has the controller; this one tells changes alike.
          fs.symlinkSync(path.join(group, "cgroup.events"), path.join(dir, "memory.events"));
          let notices = 0;
          const watch = new OomNotices(libc, () => notices++).subscribe({ version: 2, unified: dir });
          const child = spawn("sleep", ["1000"]);
          fs.writeFileSync(path.join(group, "cgroup.procs"), String(child.pid));
          await until("the notice", () => notices > 0 || undefined);
          watch.close();
          watch.close();
          child.kill("SIGKILL");
          await new Promise((resolve) => child.once("exit", resolve));
        });
      } finally {
        libc.umount(mountPoint, 0);
      }
    });
  });

  test("cannot come for a group that is not there", () => {
    const oom = new OomNotices(libc, () => {});
    const gone = "/no/such/group";
    for (const dirs of [
      { version: 1, controllers: { memory: gone } },
      { version: 2, unified: gone },
    ] as const) {
      assert.throws(
        () => oom.subscribe(dirs),
        (err) => hasCode(err, StatusCode.notFound),
      );
    }
    oom.close();
  });
});

/** Ends when the kernel has killed a process of the group for want of memory. */
async function runOutOfMemory(memory: string): Promise<void> {
  fs.writeFileSync(path.join(memory, "memory.limit_in_bytes"), String(8 << 20));
  const script = 'echo $$ > "$0/cgroup.procs"; exec dd if=/dev/zero of=/dev/null bs=64M count=1';
  const child = spawn("sh", ["-c", script, memory], { stdio: "ignore" });
  const signal = await new Promise((resolve) => child.once("exit", (_, by) => resolve(by)));
  assert.equal(signal, "SIGKILL");
}
