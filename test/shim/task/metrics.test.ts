import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { StatusCode } from "../../../src/base/status.ts";
import type { TaskClient } from "../../../src/client/index.ts";
import { cgroupDirsOf } from "../../../src/linux/cgroup/dirs.ts";
import type { google } from "../../../src/proto/index.ts";
import { io } from "../../../src/proto/metrics.ts";
import { Metrics } from "../../../src/shim/task/metrics.ts";
import { layOutCgroup, v1Dirs } from "../../linux/recorded-cgroup.ts";
import { makeFifo, withTempDir } from "../../support/files.ts";
import { noContainers, refused, Workshop } from "../harness.ts";

const GO_SHIM = "/usr/bin/containerd-shim-runc-v2";
const SIGKILL = 9;
const LIMIT_MS = 5_000;
const shop = new Workshop();
const skip = noContainers;
const skipGo = skip || (fs.existsSync(GO_SHIM) ? false : "needs the Go shim");

/** Has used processor and memory, and does so no more. */
const args = ["sh", "-c", "dd if=/dev/urandom of=/file bs=1M count=4 && echo > /done; exec sleep 1000"];

/** What a Stats answer says; fields that are 0 or empty are the same as those that are not there. */
function decode(stats: google.protobuf.IAny | null | undefined): Record<string, unknown> {
  const { v1, v2 } = io.containerd.cgroups;
  const name = `${stats?.typeUrl}`;
  const codec = name === "io.containerd.cgroups.v1.Metrics" ? v1.Metrics : v2.Metrics;
  if (stats != null && codec === v2.Metrics) assert.equal(name, "io.containerd.cgroups.v2.Metrics");
  return { type: name, ...(set(codec.decode(stats?.value ?? new Uint8Array())) as object) };
}

function set(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(set);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, set(inner)] as const);
  return Object.fromEntries(entries.filter(([, inner]) => inner !== 0 && inner !== "" && !isEmpty(inner)));
}

const isEmpty = (value: unknown) => Array.isArray(value) && value.length === 0;

async function atWork(task: TaskClient, id: string, bundle: string): Promise<void> {
  await task.start({ id });
  await until("the work to be done", () =>
    fs.existsSync(path.join(bundle, "rootfs/done")) ? true : undefined,
  );
}

describe("the figures that Stats answers", () => {
  test("are, field by field, those of the Go shim", { skip: skipGo }, async () => {
    const id = "compared";
    const bundle = await shop.bundle(id, args);
    const { task } = await shop.launch(bundle, {}, { binary: GO_SHIM });
    const { pid } = await task.create({ id, bundle: bundle.path, rootfs: [shop.overlay(id)] });
    await atWork(task, id, bundle.path);
    await task.pause({ id });
    const dirs = cgroupDirsOf(pid);
    assert.ok(dirs !== undefined);
    const ours = async () => decode(await new Metrics(dirs, LIMIT_MS).read());
    const goes = async () => decode((await task.stats({ id })).stats);
    const figures = await until("a moment in which nothing changes", async () => {
      const [before, go, after] = [await ours(), await goes(), await ours()];
      return JSON.stringify(before) === JSON.stringify(after) ? { ours: after, go } : undefined;
    });
    assert.deepEqual(figures.ours, figures.go);
    await task.resume({ id });
    await task.kill({ id, signal: SIGKILL });
    await task.wait({ id });
    await task.delete({ id });
  });

  test("are there before the start and while it runs, and the last ones after the end", {
    skip,
  }, async () => {
    const id = "measured";
    const { bundle, task, pid } = await shop.create(id, { args });
    const stats = async () => decode((await task.stats({ id })).stats);
    assert.match(JSON.stringify(await stats()), /"pids":{"current":[1-9]/);
    await atWork(task, id, bundle.path);
    assert.match(JSON.stringify(await stats()), /"pids":{"current":1/);
    const dirs = cgroupDirsOf(pid);
    await task.kill({ id, signal: SIGKILL });
    await task.wait({ id });
    const last = await stats();
    assert.match(JSON.stringify(last), /"cpu":{.*[1-9]/);
    // What a service manager does to an empty scope.
    const places = dirs?.version === 1 ? Object.values(dirs.controllers) : [dirs?.unified ?? ""];
    for (const place of places) fs.rmdirSync(place);
    assert.deepEqual(await stats(), last);
    await task.delete({ id });
    await refused(task.stats({ id }), StatusCode.notFound, /container measured does not exist/);
  });

  test("stay what they were when the groups have gone", async () => {
    await withTempDir(async (dir) => {
      layOutCgroup("v1", dir);
      const controllers = v1Dirs(dir);
      for (const place of Object.values(controllers)) fs.writeFileSync(path.join(place, "cgroup.procs"), "");
      const metrics = new Metrics({ version: 1, controllers }, LIMIT_MS);
      const figures = decode(await metrics.read());
      fs.rmSync(path.join(dir, "cpuacct"), { recursive: true });
      assert.deepEqual(decode(await metrics.read()), figures);
      fs.rmSync(dir, { recursive: true });
      assert.deepEqual(decode(await metrics.read()), figures);
    });
  });

  test("are kept from the end on where the groups are a scope, which a service manager removes", async () => {
    await withTempDir(async (dir) => {
      const unified = path.join(dir, "ebb-1.scope");
      fs.mkdirSync(unified);
      for (const [name, text] of [
        ["cgroup.procs", ""],
        ["cpu.stat", "usage_usec 8\n"],
      ] as const)
        fs.writeFileSync(path.join(unified, name), text);
      const metrics = new Metrics({ version: 2, unified }, LIMIT_MS);
      await metrics.ended();
      fs.rmSync(unified, { recursive: true });
      assert.deepEqual(decode(await metrics.read()).cpu, { usageUsec: 8 });
    });
  });

  test("are none, but of the right type, where the groups went before anybody asked", async () => {
    const unified = "/no/such/group";
    const v2 = await new Metrics({ version: 2, unified }, LIMIT_MS).read();
    assert.deepEqual(decode(v2), { type: "io.containerd.cgroups.v2.Metrics" });
    const v1 = await new Metrics({ version: 1, controllers: { memory: unified } }, LIMIT_MS).read();
    assert.deepEqual(decode(v1), {
      type: "io.containerd.cgroups.v1.Metrics",
      cpu: { usage: {}, throttling: {} },
    });
  });

  test("are given up when the kernel takes too long over them, and later are there again", async () => {
    await withTempDir(async (dir) => {
      fs.writeFileSync(path.join(dir, "cgroup.procs"), "");
      const file = path.join(dir, "cpu.stat");
      // Nothing comes out of it before somebody writes to it.
      makeFifo(file);
      const metrics = new Metrics({ version: 2, unified: dir }, 200);
      const calls = [metrics.read(), metrics.read()];
      for (const call of calls)
        await refused(call, StatusCode.deadlineExceeded, new RegExp(`reading ${dir} took`));
      fs.writeFileSync(file, "usage_usec 7\n");
      fs.rmSync(file);
      fs.writeFileSync(file, "usage_usec 8\n");
      const usage = async () => decode(await metrics.read().catch(() => undefined)).cpu;
      await until("the figures", async () => ((await usage()) === undefined ? undefined : true));
    });
  });

  test("lose no digit on the wire", async () => {
    await withTempDir(async (dir) => {
      fs.writeFileSync(path.join(dir, "cgroup.procs"), "");
      fs.writeFileSync(path.join(dir, "cpu.stat"), "usage_usec 9007199254740993\n");
      const { value } = await new Metrics({ version: 2, unified: dir }, LIMIT_MS).read();
      const usage = Buffer.from("0881808080808080" + "10", "hex");
      assert.ok(Buffer.from(value ?? []).includes(usage));
    });
  });
});
