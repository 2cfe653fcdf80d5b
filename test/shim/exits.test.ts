/** The order of exits through the real shim: what ends together, and what must not be lost. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import PQueue from "p-queue";
import { until } from "../../lab/until.ts";
import { readProcessStat } from "../../src/linux/process-stat.ts";
import { readExitRecord } from "../../src/oci/exit-record.ts";
import {
  assertExitOrder,
  descriptors,
  fakeRuntime,
  processSpec,
  runExec,
  runtimeOptions,
  wholeStory,
} from "./exec-scene.ts";
import { noContainers, refused, Workshop } from "./harness.ts";

const SIGKILL = 9;
const shop = new Workshop();
const skip = noContainers;

/** Whether a process has ended (a zombie has). */
const hasEnded = (pid: number) => ["Z", undefined].includes(readProcessStat(pid)?.state);

describe("when the init ends", () => {
  test("the exits of all its execs are told before its own", { skip }, async () => {
    const id = "together";
    const { bundle, task } = await shop.create(id);
    await task.start({ id });
    const ids = Array.from({ length: 8 }, (_, n) => `e${n}`);
    await Promise.all(ids.map((execId) => runExec({ task }, id, execId, ["sleep", "1000"])));
    await task.kill({ id, signal: SIGKILL });
    await task.wait({ id });
    assert.equal(readExitRecord(bundle.path)?.status, 137);
    for (const execId of ids) {
      assert.equal((await task.wait({ id, execId })).exitStatus, 137);
      assert.equal(readExitRecord(bundle.path, execId)?.status, 137);
    }
    await task.delete({ id });
    assertExitOrder(await wholeStory(shop, id), ids);
    assert.deepEqual(shop.traces(bundle), []);
    assert.deepEqual(
      fs.readdirSync(bundle.path).filter((name) => name.startsWith("exec.")),
      [],
    );
  });

  /** The real runtime, which notes down how it was called. */
  function notingRuntime(name: string) {
    const dir = path.join(shop.dir, `noting-${name}`);
    fs.mkdirSync(dir);
    const calls = path.join(dir, "calls");
    const binary = path.join(dir, "runc");
    fs.writeFileSync(binary, `#!/bin/sh\necho "$*" >>${calls}\nexec runc "$@"\n`, { mode: 0o755 });
    return {
      options: runtimeOptions(binary),
      calls: () => fs.readFileSync(calls, "utf8").trimEnd().split("\n").length,
    };
  }

  const sharing: [title: string, namespace: (host: number) => { type: string; path?: string }[]][] = [
    ["the host's pid namespace", () => []],
    ["another's pid namespace", (host) => [{ type: "pid", path: `/proc/${host}/ns/pid` }]],
  ];
  for (const [n, [title, namespace]] of sharing.entries()) {
    test(`and shares ${title}, the rest is killed first, without a call of the runtime`, {
      skip,
    }, async () => {
      const other = await shop.create(`sandbox-${n}`);
      await other.task.start({ id: `sandbox-${n}` });
      const id = `sharing-${n}`;
      const { options, calls } = notingRuntime(id);
      const { task } = await shop.create(id, {
        // Its child has left its session, as daemons do.
        args: ["sh", "-c", "setsid sleep 1001 & exec sleep 1000"],
        options,
        edit: ({ linux }) => {
          const own = linux.namespaces.filter(({ type }) => type !== "pid");
          linux.namespaces = [...own, ...namespace(other.pid)];
        },
      });
      await task.start({ id });
      const exec = await runExec({ task }, id, "e1", ["sleep", "1002"]);
      const pids = await until("the init's children", async () => {
        const { processes } = await task.pids({ id });
        return processes.length === 3 ? processes.map(({ pid }) => pid ?? 0) : undefined;
      });
      assert.ok(pids.includes(exec));
      const before = calls();
      await task.kill({ id, signal: SIGKILL });
      assert.equal((await task.wait({ id })).exitStatus, 137);
      assert.deepEqual(
        pids.filter((pid) => !hasEnded(pid)),
        [],
      );
      assert.equal(calls(), before);
      assert.ok(!hasEnded(other.pid));
      await task.delete({ id });
      assertExitOrder(await wholeStory(shop, id), ["e1"]);
      await other.task.kill({ id: `sandbox-${n}`, signal: SIGKILL });
      await other.task.wait({ id: `sandbox-${n}` });
      await other.task.delete({ id: `sandbox-${n}` });
    });
  }
});

test("of 500 execs in one container 500 exits are told, none lost and none twice", { skip }, async () => {
  const id = "many";
  const { bundle, task, shim } = await shop.create(id);
  await task.start({ id });
  await runExec({ task }, id, "first", ["true"]);
  await task.wait({ id, execId: "first" });
  await task.delete({ id, execId: "first" });
  const [descriptorsBefore, filesBefore] = [await descriptors(shim), fs.readdirSync(bundle.path).sort()];
  const ids = Array.from({ length: 500 }, (_, n) => `e${n}`);
  const atOnce = new PQueue({ concurrency: 8 });
  await atOnce.addAll(
    ids.map((execId, n) => async () => {
      await runExec({ task }, id, execId, ["sh", "-c", `exit ${n % 100}`]);
      assert.equal((await task.wait({ id, execId })).exitStatus, n % 100);
      if (n % 2 === 0) await task.delete({ id, execId });
    }),
  );
  const odd = ids.filter((_, n) => n % 2 === 1);
  await atOnce.addAll(odd.map((execId) => async () => void (await task.delete({ id, execId }))));
  assert.deepEqual(fs.readdirSync(bundle.path).sort(), filesBefore);
  await until("descriptors to be closed", async () =>
    (await descriptors(shim)) <= descriptorsBefore ? true : undefined,
  );
  await task.kill({ id, signal: SIGKILL });
  await task.wait({ id });
  await task.delete({ id });
  const told = await wholeStory(shop, id);
  assertExitOrder(told, ["first", ...ids]);
  const place = new Map(told.map((line, n) => [line, n]));
  for (const [n, execId] of ids.entries()) {
    const [added, started, exited] = ["exec-added", "exec-started", "exit"].map(
      (name) => place.get(name === "exit" ? `exit ${execId} ${n % 100}` : `${name} ${execId}`) ?? -1,
    );
    assert.ok(
      0 <= (added ?? -1) && (added ?? 0) < (started ?? -1) && (started ?? 0) < (exited ?? -1),
      execId,
    );
  }
});

describe("a runtime that misbehaves in exec", () => {
  /** A container of a fake runtime, started, with nothing of the exec scenario in it yet. */
  async function faked(name: string, exec: unknown, env: Record<string, string> = {}) {
    const id = `odd-${name}`;
    const fake = fakeRuntime(shop, name, { exec });
    const made = await shop.create(id, { options: fake.options, rootfs: [] }, env);
    await made.task.start({ id });
    const end = async () => {
      await made.task.kill({ id, signal: SIGKILL });
      await made.task.wait({ id });
      await made.task.delete({ id });
      return await wholeStory(shop, id);
    };
    return { id, ...made, ...fake, end };
  }

  test("by ending after its process has that process's exit told after its start", { skip }, async () => {
    const { id, task, end } = await faked("late", { awaitEnd: true });
    await runExec({ task }, id, "e1", ["sh", "-c", "exit 4"]);
    assert.equal((await task.wait({ id, execId: "e1" })).exitStatus, 4);
    const told = (await end()).filter((line) => line.includes("e1"));
    assert.deepEqual(told, ["exec-added e1", "exec-started e1", "exit e1 4"]);
  });

  const failures: [title: string, then: unknown, message: RegExp][] = [
    ["says that it failed", { fail: "no luck" }, /OCI runtime exec failed: no luck/],
    ["is killed", { killSelf: "SIGKILL" }, /SIGKILL/],
  ];
  for (const [n, [title, then, message]] of failures.entries()) {
    test(`so that it ${title} after its process runs leaves none behind`, { skip }, async () => {
      const { id, bundle, task, end } = await faked(`after-${n}`, { then });
      await task.exec({ id, execId: "e1", spec: processSpec(["sleep", "1000"]) });
      await assert.rejects(task.start({ id, execId: "e1" }), message);
      const pidFile = path.join(bundle.path, "exec.e1/pid");
      const pid = Number(fs.readFileSync(pidFile, "utf8"));
      await until("the process to end", () => (hasEnded(pid) ? true : undefined));
      assert.equal((await task.wait({ id, execId: "e1" })).exitStatus, 255);
      await task.delete({ id, execId: "e1" });
      assert.deepEqual(
        (await end()).filter((line) => line.includes("e1")),
        ["exec-added e1"],
      );
    });
  }

  test("by hanging holds up nobody, and the container's end ends its exec as well", { skip }, async () => {
    const ready = path.join(shop.dir, "exec-hangs");
    const env = { EBB_EXEC_EXIT_MS: "50" };
    const { id, task, act, end } = await faked("hanging", { ready, hang: true }, env);
    await task.exec({ id, execId: "stuck", spec: processSpec(["true"]) });
    const stuck = task.start({ id, execId: "stuck" });
    const failed = assert.rejects(stuck, /container odd-hanging has ended/);
    const runtime = await until("the runtime", () => {
      const text = fs.existsSync(ready) ? fs.readFileSync(ready, "utf8") : "";
      return text === "" ? undefined : Number(text);
    });
    act({});
    await runExec({ task }, id, "other", ["sh", "-c", "exit 6"]);
    assert.equal((await task.wait({ id, execId: "other" })).exitStatus, 6);
    await task.delete({ id, execId: "other" });
    await refused(task.kill({ id, execId: "stuck", signal: 9 }), 9, /process not created: stuck/);
    await task.pause({ id });
    await task.resume({ id });
    assert.ok(!hasEnded(runtime));
    const told = await end();
    await failed;
    await until("the runtime to end", () => (hasEnded(runtime) ? true : undefined));
    assert.deepEqual(told.slice(-2), ["exit init 137", "delete init"]);
    assert.deepEqual(
      told.filter((line) => line.includes("stuck")),
      ["exec-added stuck"],
    );
  });
});
