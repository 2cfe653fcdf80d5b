import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, describe, test } from "node:test";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { readProcessStat } from "../../src/linux/process-stat.ts";
import { PendingReleases } from "../../src/rootfs/pending.ts";
import type { Release } from "../../src/rootfs/release.ts";
import { type DirtyOverlay, dirtyOverlay } from "./dirty-overlay.ts";
import { helperPids, scratch } from "./scratch.ts";

const place = scratch(loadLibc());
const skip = whyNoSlowDisk() ?? false;
const state = (pid: number) => readProcessStat(pid)?.state;
const gone = (pid: number) => [undefined, "Z"].includes(state(pid));
const registry = new PendingReleases(place.host.runDirectory);

describe("releases on one device", () => {
  let slow: SlowDisk;
  let other: SlowDisk;
  before(async () => {
    if (skip !== false) return;
    slow = await makeSlowDisk();
    other = await makeSlowDisk();
  });
  after(async () => {
    for (const disk of [slow, other]) await disk?.dispose();
  });

  async function releaseAll(disk: SlowDisk, names: readonly string[], turnMs = 60_000) {
    const overlays: DirtyOverlay[] = [];
    for (const name of names) overlays.push(await dirtyOverlay(place, disk, name));
    disk.throttle(1);
    const releases: Release[] = [];
    for (const { rootfs } of overlays) releases.push(await place.release(rootfs, { turnMs }));
    const pids = releases.flatMap(helperPids);
    const end = async () => {
      disk.lift();
      for (const { ended } of releases) await ended;
      assert.ok(overlays.every(({ readBack }) => readBack()));
      assert.ok(pids.every(gone));
    };
    return { pids, end };
  }

  const syncing = (pids: readonly number[]) => pids.filter((pid) => state(pid) === "D");

  test("go one at a time; all are on the list, off the tree, and nobody waits", { skip }, async () => {
    const { pids, end } = await releaseAll(slow, ["a", "b", "c", "d"]);
    assert.deepEqual(place.mounts(), []);
    assert.deepEqual(
      registry
        .list()
        .map(({ helper }) => helper.pid)
        .sort(),
      [...pids].sort(),
    );
    await until("one to sync", () => (syncing(pids).length === 1 ? true : undefined));
    await until("the others to wait", () => (pids.filter(waitsForTurn).length === 3 ? true : undefined));
    assert.equal(syncing(pids).length, 1);
    await end();
    assert.deepEqual(registry.list(), []);
  });

  test("do not wait for those on another", { skip }, async () => {
    const stuck = await releaseAll(slow, ["e"]);
    await until("it to sync", () => (syncing(stuck.pids).length === 1 ? true : undefined));
    const { rootfs, readBack } = await dirtyOverlay(place, other, "f");
    await (await place.release(rootfs)).ended;
    assert.ok(readBack());
    assert.equal(syncing(stuck.pids).length, 1);
    await stuck.end();
  });

  test("go ahead when the one before has had its time", { skip }, async () => {
    const { pids, end } = await releaseAll(slow, ["g", "h"], 1);
    await until("both to sync", () => (syncing(pids).length === 2 ? true : undefined));
    await end();
  });

  test("do not wait for one whose helper was killed in its turn", { skip }, async () => {
    const { pids, end } = await releaseAll(slow, ["i", "j"]);
    const first = await until("one to sync", () => syncing(pids)[0]);
    const second = pids.find((pid) => pid !== first) ?? 0;
    await until("the other to wait", () => (waitsForTurn(second) ? true : undefined));
    process.kill(second, "SIGKILL");
    await end();
  });
});

/** The helper waits in flock(1), which is a child of it. */
function waitsForTurn(pid: number): boolean {
  try {
    const children = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
    return children.some((child) => fs.readFileSync(`/proc/${child}/comm`, "utf8") === "flock\n");
  } catch {
    return false;
  }
}
