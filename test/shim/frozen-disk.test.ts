import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { command, must } from "../../lab/command.ts";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { StatusCode } from "../../src/base/status.ts";
import type { Shim } from "../../src/client/index.ts";
import { parseProcessStat, readProcessStat } from "../../src/linux/process-stat.ts";
import { containerd } from "../../src/proto/index.ts";
import { FifoTap } from "../support/fifo-tap.ts";
import { makeFifo } from "../support/files.ts";
import { fakeRuntime, processSpec, story } from "./exec-scene.ts";
import { noContainers, refused, Workshop } from "./harness.ts";

const { Status } = containerd.v1.types;
const SIGKILL = 9;
/** More than a runtime has threads for such calls unless told otherwise. */
const HANGING = 12;
const shop = new Workshop();
const skip = noContainers || (whyNoSlowDisk() ?? false);

/** How many threads of a process sleep in the kernel for a disk. */
function threadsInDisk(pid: number): number {
  const stats = fs.readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = fs.readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
    return parseProcessStat(stat)?.state;
  });
  return stats.filter((state) => state === "D").length;
}

let disk: SlowDisk;
const thaw = () => command("fsfreeze", ["--unfreeze", disk.mountPoint]);
before(async () => {
  if (skip === false) disk = await makeSlowDisk();
});
afterEach(() => (disk === undefined ? undefined : thaw()));
after(() => disk?.dispose());

/** Keeps whatever writes to the disk in the kernel, out of a signal's reach, until the thaw. */
const freeze = () => must("fsfreeze", ["--freeze", disk.mountPoint]);

describe("while the mounts of other containers hang on a frozen disk", () => {
  /** Calls Create for containers on the disk once that is frozen, and waits until as many threads as may hang do. */
  async function hangingCreates(
    shim: Shim,
    name: string,
    { count, threads }: { count: number; threads: number },
  ) {
    const ids = Array.from({ length: count }, (_, n) => `${name}-${n}`);
    const rootfs = ids.map((id) => [shop.overlay(id, disk.mountPoint)]);
    const bundles = await Promise.all(ids.map((id) => shop.bundle(id, ["sleep", "1000"])));
    await freeze();
    let answered = 0;
    const creates = bundles.map((bundle, index) =>
      shim.task.create({ id: bundle.id, bundle: bundle.path, rootfs: rootfs[index] ?? [] }).finally(() => {
        answered += 1;
      }),
    );
    for (const create of creates) create.catch(() => {});
    const { shimPid } = await shim.task.connect({ id: "" });
    await until("the mounts to hang", () => (threadsInDisk(shimPid) === threads ? true : undefined));
    /** Thaws the disk; every container is made then, and removed. */
    const finish = async () => {
      assert.equal(answered, 0);
      await thaw();
      await Promise.all(creates);
      await Promise.all(ids.map((id) => shim.task.delete({ id })));
      for (const bundle of bundles) assert.deepEqual(shop.traces(bundle), []);
    };
    return { bundles, creates, finish };
  }

  async function killAndDelete({ task }: Pick<Shim, "task">, id: string): Promise<void> {
    await task.start({ id });
    assert.equal((await task.state({ id })).status, Status.RUNNING);
    await task.kill({ id, signal: SIGKILL });
    assert.equal((await task.wait({ id })).exitStatus, 137);
    await task.delete({ id });
  }

  test("State, Kill, Wait and Delete of those beside them go on, and Create on another disk", {
    skip,
  }, async () => {
    const { shim } = await shop.create("on-it", { upperIn: disk.mountPoint });
    await shop.create("beside-it", { shim });
    const { finish } = await hangingCreates(shim, "hang", { count: HANGING, threads: HANGING });
    await killAndDelete(shim, "beside-it");
    await killAndDelete(shim, "on-it");
    await shop.create("new-beside-it", { shim });
    await killAndDelete(shim, "new-beside-it");
    await finish();
  });

  test("no more threads hang than may, and Delete finds one that is free", { skip }, async () => {
    const { shim } = await shop.create("few", {}, { EBB_MOUNTS_AT_ONCE: "2" });
    const { finish } = await hangingCreates(shim, "queued", { count: 6, threads: 2 });
    await killAndDelete(shim, "few");
    await finish();
  });

  test("Create gives up past its limit, and what comes through later is taken back", { skip }, async () => {
    const { shim } = await shop.create("patient", {}, { EBB_MOUNT_MS: "500" });
    const { bundles, creates } = await hangingCreates(shim, "late", { count: 1, threads: 1 });
    const [bundle] = bundles;
    assert.ok(bundle !== undefined && creates[0] !== undefined);
    const message = new RegExp(`mounting ${bundle.rootfs} took longer than 500 ms`);
    await refused(creates[0], StatusCode.deadlineExceeded, message);
    await killAndDelete(shim, "patient");
    await thaw();
    const told = () => shop.log("patient").find(({ msg }) => /came too late was released/.test(msg));
    await until("the mount to be taken back", told);
    assert.deepEqual(shop.traces(bundle), []);
    await refused(shim.task.state({ id: bundle.id }), StatusCode.notFound, /does not exist/);
  });

  test("another Create in place of one that gave up is refused until the thaw, and then keeps its rootfs", {
    skip,
  }, async () => {
    const { shim } = await shop.create("stubborn", {}, { EBB_MOUNT_MS: "500" });
    const { bundles, creates } = await hangingCreates(shim, "retried", { count: 1, threads: 1 });
    const [bundle] = bundles;
    assert.ok(bundle !== undefined && creates[0] !== undefined);
    await refused(creates[0], StatusCode.deadlineExceeded, /took longer than 500 ms/);
    const { id } = bundle;
    const request = { id, bundle: bundle.path, rootfs: [shop.overlay("retried-elsewhere")] };
    const message = new RegExp(`an earlier mount of ${bundle.rootfs} is still under way`);
    await refused(shim.task.create(request), StatusCode.failedPrecondition, message);
    await thaw();
    const isOver = () => shop.log("stubborn").some(({ msg }) => /came too late was released/.test(msg));
    await until("the mount to be taken back", () => (isOver() ? true : undefined));
    await shim.task.create(request);
    assert.ok(shop.traces(bundle).includes(bundle.rootfs));
    await killAndDelete(shim, id);
    assert.deepEqual(shop.traces(bundle), []);
    await killAndDelete(shim, "stubborn");
  });
});

test("what a failed exec left there dies at the thaw, and the next exec with its id lives on", {
  skip,
}, async () => {
  const { options } = fakeRuntime(shop, "leaving", {});
  const { task, bundle } = await shop.create("leaving", { options, rootfs: [] }, { EBB_CONSOLE_MS: "1000" });
  await task.start({ id: "leaving" });
  const exec = { id: "leaving", execId: "again" };
  await freeze();
  // The fake runtime sends no terminal, so that Start fails when the process is there already.
  const writing = processSpec(["touch", path.join(disk.mountPoint, "file")], { terminal: true });
  await task.exec({ ...exec, terminal: true, spec: writing });
  const started = assert.rejects(task.start(exec), /the terminal for .* took longer than 1000 ms/);
  const left = await until("the process to hang", () => {
    const file = path.join(bundle.path, "exec.again/pid");
    const pid = fs.existsSync(file) ? Number(fs.readFileSync(file, "utf8")) : 0;
    return readProcessStat(pid)?.state === "D" ? pid : undefined;
  });
  await started;
  await task.delete(exec);
  await task.exec({ ...exec, spec: processSpec(["sleep", "1000"]) });
  const { pid } = await task.start(exec);
  await thaw();
  await until("the first process to be reaped", () =>
    readProcessStat(left) === undefined ? true : undefined,
  );
  assert.equal((await task.state(exec)).status, Status.RUNNING);
  await task.kill({ ...exec, signal: SIGKILL });
  assert.deepEqual([(await task.wait(exec)).exitStatus, (await task.delete(exec)).pid], [137, pid]);
  await task.kill({ id: "leaving", signal: SIGKILL });
  await task.wait({ id: "leaving" });
  await task.delete({ id: "leaving" });
  const exits = story(shop.events.received, "leaving").filter((line) => line.startsWith("exit again"));
  assert.deepEqual(exits, ["exit again 137"]);
});

describe("while the logs of containers are on a frozen disk", () => {
  test("these end and are deleted, and the output of others is passed on", { skip }, async () => {
    const disk = await makeSlowDisk();
    try {
      const { shim } = await shop.create("beside-logs", {}, { EBB_DRAIN_MS: "200" });
      const { task } = shim;
      await task.start({ id: "beside-logs" });
      const ids = Array.from({ length: HANGING }, (_, n) => `logs-${n}`);
      const log = (id: string) => `${disk.mountPoint}/${id}.log`;
      const args = ["sh", "-c", "echo before; read go; echo after"];
      const fifos = ids.map((id) => `${shop.dir}/${id}.in`);
      for (const [n, id] of ids.entries()) {
        const stdin = fifos[n] ?? "";
        makeFifo(stdin);
        await shop.create(id, { shim, args, stdin, stdout: `file://${log(id)}` });
        await task.start({ id });
        await until("the first line", () =>
          fs.readFileSync(log(id), "utf8") === "before\n" ? true : undefined,
        );
      }
      await must("fsfreeze", ["--freeze", disk.mountPoint]);
      try {
        for (const fifo of fifos) fs.writeFileSync(fifo, "go\n");
        for (const id of ids) assert.equal((await task.wait({ id })).exitStatus, 0);
        const { shimPid = 0 } = await task.connect({ id: "" });
        await until("the writes to hang", () => (threadsInDisk(shimPid) === HANGING ? true : undefined));
        const stdout = `${shop.dir}/beside.out`;
        makeFifo(stdout);
        const tap = new FifoTap(stdout);
        const exec = { id: "beside-logs", execId: "e" };
        await task.exec({ ...exec, stdout, spec: processSpec(["echo", "heard"]) });
        await task.start(exec);
        assert.equal(await tap.toEnd(), "heard\n");
        for (const id of ids) await task.delete({ id });
      } finally {
        await command("fsfreeze", ["--unfreeze", disk.mountPoint]);
      }
      for (const id of ids) {
        await until("the last line", () =>
          fs.readFileSync(log(id), "utf8") === "before\nafter\n" ? true : undefined,
        );
      }
    } finally {
      await disk.dispose();
    }
  });
});
