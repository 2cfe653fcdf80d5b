import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { DirtyPods, GIVEN_UP, MIB_PER_POD, type PodStop, type RunningPod } from "../../lab/dirty-pods.ts";
import { settledLeftovers, snapshotLeftovers } from "../../lab/leftovers.ts";
import type { Calls } from "../../lab/repeat.ts";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { type CriScene, startCriScene } from "./cri-scene.ts";
import { CONTROL, EBB, type Runtime } from "./runtimes.ts";

const MEBIBYTE = 1 << 20;
const PODS = 10;
const DATA_PER_POD = MIB_PER_POD * MEBIBYTE;
const DATA = PODS * DATA_PER_POD;
const LIMIT = 4 * MEBIBYTE;
/** A call that was answered while the disk took less did not wait for an unmount: those end with the data. */
const MUCH = DATA / 4;

/** A stop, and what it and the removal of the pods left behind. */
interface Round extends PodStop {
  readonly left: readonly string[];
}

/** One that goes on, and those that are stopped. */
type RunningPods = [RunningPod, ...RunningPod[]];

const noDisk = whyNoSlowDisk() ?? false;

describe("ten pods that are stopped at once, with unwritten data, under CRI", () => {
  let disk: SlowDisk;
  let scene: CriScene;
  let dirty: DirtyPods;
  before(async () => {
    if (CONTROL.skip !== false || noDisk !== false) return;
    disk = await makeSlowDisk();
    // Only the layers: containerd's own database would wait for the disk whatever a shim does.
    scene = await startCriScene({ snapshots: path.join(disk.mountPoint, "snapshots") });
    dirty = new DirtyPods(scene, disk);
    // What CRI makes once and keeps is no leftover.
    await dirty.remove([await runPod(CONTROL, "first")]);
  });
  after(async () => {
    disk?.lift();
    await scene?.dispose();
    await disk?.dispose();
  });

  function runPod(runtime: Runtime, name: string): Promise<RunningPod> {
    return dirty.run(runtime.ours ? "ebb" : "runc", name);
  }

  /** Has the pods write, and stops them with the disk limited to so much a second, if at all. */
  async function writeAndStop([other, ...pods]: RunningPods, limit: number | undefined): Promise<PodStop> {
    if (limit !== undefined) disk.throttle(limit);
    try {
      await dirty.write(pods);
      const stop = await dirty.stop(pods, other);
      await assertStopped(pods);
      return stop;
    } finally {
      disk.lift();
    }
  }

  /** All of it: the pods run, write, are stopped, and removed when their data is on the disk. */
  async function round(runtime: Runtime, limit: number | undefined): Promise<Round> {
    const clean = snapshotLeftovers(scene.containerd.scope([]));
    const names = Array.from({ length: PODS }, (_, n) => `${runtime.name}-${limit ?? "idle"}-${n}`);
    const pods: RunningPods = [await runPod(runtime, `${runtime.name}-${limit ?? "idle"}-other`)];
    for (const name of names) pods.push(await runPod(runtime, name));
    const scope = scene.containerd.scope(pods.flatMap(({ id, container }) => [id, container]));
    const before = disk.writtenBytes();
    const stop = await writeAndStop(pods, limit);
    await until("the data to be written", () => (disk.writtenBytes() - before >= DATA ? true : undefined));
    await dirty.remove(pods);
    await scene.containerd.collectGarbage();
    const left = await settledLeftovers(scope, clean);
    report(runtime, limit, { ...stop, left });
    return { ...stop, left };
  }

  async function assertStopped(pods: readonly RunningPod[]): Promise<void> {
    const containers = new Map((await scene.cri.listContainers()).map(({ id, state }) => [id, state]));
    const sandboxes = new Map((await scene.cri.listPods()).map(({ id, state }) => [id, state]));
    for (const { id, container } of pods) {
      assert.deepEqual(
        [containers.get(container), sandboxes.get(id)],
        ["CONTAINER_EXITED", "SANDBOX_NOTREADY"],
      );
    }
  }

  function report(runtime: Runtime, limit: number | undefined, seen: Round): void {
    const { written, ms, failures, lists, updates, lateUpdates, left } = seen;
    const told = (calls: Calls) =>
      `${calls.answered} answered, ${calls.failures.length} failed, ` +
      `longest ${Math.max(...calls.times).toFixed(0)} ms, ${(calls.furthest / MEBIBYTE).toFixed(1)} MiB`;
    console.log(
      `${runtime.name}, ${limit === undefined ? "idle disk" : "slow disk"}: all stopped after ` +
        `${(ms / 1_000).toFixed(1)} s with ${(written / MEBIBYTE).toFixed(1)} of 80 MiB written; ` +
        `"${GIVEN_UP}" ${failures} times; lists: ${told(lists)}; ` +
        `updates of another: ${told(updates)}; of the stopped: ${told(lateUpdates)}; ${left.length} leftovers`,
    );
  }

  test("take as long as the disk with containerd's own shim, and lists wait for it: the control", {
    skip: CONTROL.skip || noDisk,
  }, async () => {
    const idle = await round(CONTROL, undefined);
    assert.deepEqual(idle.left, []);
    // What its shims may leave when their time is up is theirs; the end of the scene removes it.
    const { written, failures, lists } = await round(CONTROL, LIMIT);
    assert.ok(written >= DATA - DATA_PER_POD, "they were stopped before the data was written");
    assert.ok(failures > 0, "no deletion took too long for CRI");
    assert.ok(lists.furthest >= MUCH, "no list waited for the disk");
  });

  test("are stopped before the disk has taken their data with ebb, and nobody else waits for it", {
    skip: EBB.skip || noDisk,
  }, async () => {
    const idle = await round(EBB, undefined);
    assert.deepEqual(idle.left, []);
    const { written, failures, lists, updates, lateUpdates, left } = await round(EBB, LIMIT);
    assert.deepEqual(left, []);
    assert.ok(written < MUCH, "they were stopped after the data was written");
    assert.equal(failures, 0);
    for (const calls of [lists, updates, lateUpdates]) {
      assert.deepEqual(calls.failures, []);
      assert.ok(calls.answered > 1, "nobody was answered meanwhile");
      assert.ok(calls.furthest < MUCH, "a call waited for the disk");
    }
  });
});
