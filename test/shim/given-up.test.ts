import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { StatusCode } from "../../src/base/status.ts";
import type { OciSpec } from "../../src/client/index.ts";
import { isLive, readProcessStat } from "../../src/linux/process-stat.ts";
import { containerd, taskV2 } from "../../src/proto/index.ts";
import { connect, createClient } from "../../src/ttrpc/index.ts";
import { pidIn, script } from "../support/files.ts";
import { fakeRuntime, processSpec, runtimeOptions } from "./exec-scene.ts";
import { groupsAt, NAMESPACE, noContainers, refused, Workshop } from "./harness.ts";

const SIGKILL = 9;
const { Status } = containerd.v1.types;
const shop = new Workshop();
const skip = noContainers;

/** What the fake runtime does when it has done its work. */
const AFTERWARDS = "then";

/** Long enough for what is called in it to have begun, which tests wait for as well. */
const timeoutMs = 1_500;

/** A hook of `runc create` that says that it runs, and then does not end. */
function hangingHook(mark: string) {
  return (spec: OciSpec) => {
    const script = `echo $$ > ${mark}.new; mv ${mark}.new ${mark}; exec sleep 1000`;
    const hook = { path: "/bin/sh", args: ["sh", "-c", script] };
    Object.assign(spec, { hooks: { createRuntime: [hook] } });
  };
}

/** Whether a process is at work. A hook that has outlived its runtime is cleared away later than it ends. */
function isAlive(pid: number): boolean {
  const stat = readProcessStat(pid);
  return stat !== undefined && isLive(stat);
}

/** A bundle whose Create does not end, a shim for it, and the request. */
async function endless(id: string) {
  const mark = path.join(shop.dir, `hook-of-${id}`);
  const bundle = await shop.bundle(id, ["true"], {}, hangingHook(mark));
  const shim = await shop.launch(bundle);
  const request = { id, bundle: bundle.path, rootfs: [shop.overlay(id)] };
  const hook = () => until("the hook", () => pidIn(mark));
  /** Deletes what is not there any more, as the daemon does, and looks what is. */
  const assertNothingLeft = async () => {
    await refused(shim.task.delete({ id }), StatusCode.notFound, /does not exist/);
    assert.deepEqual([shop.traces(bundle), groupsAt(path.join(NAMESPACE, id))], [[], []]);
    assert.deepEqual(shop.history(id), []);
    const errors = shop.log(id).filter(({ level }) => level === "error");
    assert.deepEqual(errors, []);
  };
  return { bundle, shim, task: shim.task, request, hook, assertNothingLeft };
}

describe("a Create that nobody waits for any longer", () => {
  test("as its deadline has passed is undone, and the same id can be used again", { skip }, async () => {
    const id = "late";
    const { bundle, shim, task, request, hook, assertNothingLeft } = await endless(id);
    const creation = task.create(request, { timeoutMs });
    creation.catch(() => {});
    const hookPid = await hook();
    const runc = readProcessStat(hookPid)?.parent ?? 0;
    assert.ok(runc > 1);
    await refused(creation, StatusCode.deadlineExceeded, /Create/);
    await assertNothingLeft();
    assert.deepEqual([runc, hookPid].filter(isAlive), []);
    fs.writeFileSync(
      path.join(bundle.path, "config.json"),
      fs.readFileSync(path.join(bundle.path, "config.json"), "utf8").replace(/"hooks":/, '"none":'),
    );
    await task.create(request);
    await task.delete({ id });
    await task.shutdown({ id });
    await shim.connection.closed;
  });

  test("as its connection has closed is undone, and another daemon hears so", { skip }, async () => {
    const { shim, request, hook, assertNothingLeft } = await endless("cut-off");
    const other = await connect(shim.answer.address);
    const creation = createClient(taskV2, other).create(request);
    creation.catch(() => {});
    await hook();
    other.close();
    await assertNothingLeft();
  });

  test("leaves nothing to serve: a Shutdown that came meanwhile is carried out", { skip }, async () => {
    const id = "shut-down";
    const { bundle, shim, task, request, hook } = await endless(id);
    const creation = task.create(request, { timeoutMs });
    creation.catch(() => {});
    await hook();
    const shutdown = task.shutdown({ id });
    await refused(creation, StatusCode.deadlineExceeded, /Create/);
    await shutdown;
    await shim.connection.closed;
    assert.deepEqual(shop.traces(bundle), []);
  });

  test("does not touch a container of this id that the runtime has already", { skip }, async () => {
    const id = "others";
    const { bundle, task } = await shop.create(id);
    await task.start({ id });
    const mark = path.join(shop.dir, "slow-runc-called");
    const body = `case "$*" in *" create "*) echo $$ > ${mark}; exec sleep 1000;; esac\nexec runc "$@"`;
    const slow = script(shop.dir, "slow-runc", body);
    const copy = path.join(shop.dir, "copy-of-others");
    fs.mkdirSync(copy);
    fs.copyFileSync(path.join(bundle.path, "config.json"), path.join(copy, "config.json"));
    fs.copyFileSync(path.join(bundle.path, "config.json"), path.join(copy, "log"));
    const other = await shop.create("beside-others");
    const request = { id, bundle: copy, rootfs: [shop.overlay("others-2")], options: runtimeOptions(slow) };
    const creation = other.task.create(request, { timeoutMs });
    creation.catch(() => {});
    await until("the runtime's call", () => pidIn(mark));
    await refused(creation, StatusCode.deadlineExceeded, /Create/);
    await refused(other.task.delete({ id }), StatusCode.notFound, /does not exist/);
    assert.equal((await task.state({ id })).status, Status.RUNNING);
    await task.kill({ id, signal: SIGKILL });
    assert.equal((await task.wait({ id })).exitStatus, 137);
    await task.delete({ id });
    await other.task.delete({ id: "beside-others" });
  });
});

test("a Shutdown that comes while a container is made is forgotten where that succeeds, and a Delete deletes it", {
  skip,
}, async () => {
  const id = "made-after-all";
  const mark = path.join(shop.dir, "made-after-all-called");
  const body = `case "$*" in *" create "*) echo $$ > ${mark}; while [ -e ${mark} ]; do sleep 0.01; done;; esac`;
  const slow = script(shop.dir, "runc-that-takes-its-time", `${body}\nexec runc "$@"`);
  const bundle = await shop.bundle(id, ["true"]);
  const { task } = await shop.launch(bundle);
  const rootfs = [shop.overlay(id)];
  const creation = task.create({ id, bundle: bundle.path, rootfs, options: runtimeOptions(slow) });
  await until("the runtime's call", () => pidIn(mark));
  const shutdown = task.shutdown({ id });
  fs.rmSync(mark);
  const { pid } = await creation;
  await shutdown;
  assert.equal((await task.state({ id })).pid, pid);
  await task.delete({ id });
  assert.deepEqual(shop.traces(bundle), []);
});

describe("a Start that nobody waits for any longer", () => {
  test("is given up, and the container can be started again, and deleted", { skip }, async () => {
    const id = "late-start";
    const called = path.join(shop.dir, "start-called");
    const fake = fakeRuntime(shop, id, { start: { ready: called, hang: true } });
    const { task } = await shop.create(id, { options: fake.options, rootfs: [] }, { EBB_START: "runtime" });
    const start = task.start({ id }, { timeoutMs });
    start.catch(() => {});
    const runtime = await until("the call of start", () => pidIn(called));
    await refused(start, StatusCode.deadlineExceeded, /Start/);
    await until("the end of it", () => (isAlive(runtime) ? undefined : true));
    assert.equal((await task.state({ id })).status, Status.CREATED);
    fake.act({});
    await task.start({ id });
    assert.equal((await task.state({ id })).status, Status.RUNNING);
    await task.kill({ id, signal: SIGKILL });
    await task.wait({ id });
    await task.delete({ id });
  });

  test("of a container from a checkpoint is given up, and can be made again", { skip }, async () => {
    const id = "late-restore";
    const called = path.join(shop.dir, "restore-called");
    const fake = fakeRuntime(shop, id, {});
    const image = path.join(fake.dir, "image");
    const first = await shop.create("restored-first", { options: fake.options, rootfs: [] });
    await first.task.start({ id: "restored-first" });
    await first.task.checkpoint({ id: "restored-first", path: image });
    await first.task.kill({ id: "restored-first", signal: SIGKILL });
    const { task } = await shop.create(id, { options: fake.options, rootfs: [], checkpoint: image });
    // The container is there when the call does not come back from it.
    fake.act({ restore: { [AFTERWARDS]: { ready: called, hang: true } } });
    const start = task.start({ id }, { timeoutMs });
    start.catch(() => {});
    const runtime = await until("the call of restore", () => pidIn(called));
    await refused(start, StatusCode.deadlineExceeded, /Start/);
    await until("the end of it", () => (isAlive(runtime) ? undefined : true));
    fake.act({});
    assert.ok((await task.start({ id })).pid > 1);
    await task.kill({ id, signal: SIGKILL });
    await task.wait({ id });
    await task.delete({ id });
  });

  for (const [title, action] of [
    ["before the process is there", (ready: string) => ({ ready, hang: true })],
    ["after that", (ready: string) => ({ [AFTERWARDS]: { ready, hang: true } })],
  ] as const) {
    test(`of an exec is given up ${title}, the exec has ended and can be deleted`, { skip }, async () => {
      const id = `late-exec-${title.length}`;
      const called = path.join(shop.dir, `exec-called-${title.length}`);
      const fake = fakeRuntime(shop, id, { exec: action(called) });
      const { task } = await shop.create(id, { options: fake.options, rootfs: [] });
      await task.start({ id });
      const exec = { id, execId: "probe" };
      const program = path.join(shop.dir, `program-${title.length}`);
      const args = ["sh", "-c", `echo $$ > ${program}; exec sleep 1000`];
      await task.exec({ ...exec, spec: processSpec(args) });
      const start = task.start(exec, { timeoutMs });
      start.catch(() => {});
      const runtime = await until("the call of exec", () => pidIn(called));
      await refused(start, StatusCode.deadlineExceeded, /Start/);
      assert.equal((await task.wait(exec)).exitStatus, 255);
      assert.ok(!isAlive(runtime));
      assert.equal((await task.state(exec)).status, Status.STOPPED);
      assert.equal((await task.delete(exec)).exitStatus, 255);
      const pid = fs.existsSync(program) ? (pidIn(program) ?? 0) : 0;
      await until("the end of its process", () => (isAlive(pid) ? undefined : true));
      assert.equal((await task.state({ id })).status, Status.RUNNING);
      await task.kill({ id, signal: SIGKILL });
      await task.wait({ id });
      await task.delete({ id });
    });
  }
});
