import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { readProcessStat } from "../../src/linux/process-stat.ts";
import { type Activity, helperActivity } from "../../src/rootfs/helper-activity.ts";
import { PendingReleases } from "../../src/rootfs/pending.ts";
import type { Release } from "../../src/rootfs/release.ts";
import { type DirtyOverlay, dirtyOverlay } from "./dirty-overlay.ts";
import { helperPids, scratch } from "./scratch.ts";

const place = scratch(loadLibc());
const skip = whyNoSlowDisk() ?? false;
type OptionsOf = (rootfs: string) => Parameters<typeof place.release>[1];
const gone = (pid: number) => [undefined, "Z"].includes(readProcessStat(pid)?.state);
const registry = new PendingReleases(place.host.runDirectory);

/** A shell whose flock knows no -w, as that of busybox does not. */
function shellWithSimpleFlock(): string {
  const [bin = ""] = place.make("simple-flock");
  const program = (name: string, text: string) => {
    const file = path.join(bin, name);
    fs.writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return file;
  };
  program("flock", 'case " $*" in *" -w"*) exit 1 ;; esac\nexec /usr/bin/flock "$@"');
  return program("shell", `PATH=${bin}:/usr/bin:/bin exec /bin/sh "$@"`);
}

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

  async function releaseAll(disk: SlowDisk, names: readonly string[], optionsOf: OptionsOf = () => ({})) {
    const overlays: DirtyOverlay[] = [];
    for (const name of names) overlays.push(await dirtyOverlay(place, disk, name));
    disk.throttle(1);
    const releases: Release[] = [];
    for (const { rootfs } of overlays) releases.push(await place.release(rootfs, optionsOf(rootfs)));
    const pids = releases.flatMap(helperPids);
    const end = async () => {
      disk.lift();
      for (const { ended } of releases) await ended;
      assert.ok(overlays.every(({ readBack }) => readBack()));
      assert.ok(pids.every(gone));
    };
    return { pids, end };
  }

  /** Those of the helpers that do this. */
  async function doing(what: Activity, pids: readonly number[]) {
    const activities = await Promise.all(pids.map((pid) => helperActivity(pid)));
    return pids.filter((_, index) => activities[index]?.activity === what);
  }

  /** Waits until so many of them do this, and tells which. */
  function someDo(what: Activity, pids: readonly number[], count: number) {
    return until(`${count} ${what}`, async () => {
      const found = await doing(what, pids);
      return found.length === count ? found : undefined;
    });
  }

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
    await someDo("syncing", pids, 1);
    await someDo("waiting", pids, 3);
    assert.equal((await doing("syncing", pids)).length, 1);
    await end();
    assert.deepEqual(registry.list(), []);
  });

  test("do not wait for those on another", { skip }, async () => {
    const stuck = await releaseAll(slow, ["e"]);
    await someDo("syncing", stuck.pids, 1);
    const { rootfs, readBack } = await dirtyOverlay(place, other, "f");
    await (await place.release(rootfs)).ended;
    assert.ok(readBack());
    assert.deepEqual(await doing("syncing", stuck.pids), stuck.pids);
    await stuck.end();
  });

  test("go ahead when the one before has had its time", { skip }, async () => {
    const { pids, end } = await releaseAll(slow, ["g", "h"], () => ({ turnMs: 1 }));
    await someDo("syncing", pids, 2);
    await end();
  });

  test("go one at a time, and ahead in time, where flock cannot give up by itself", { skip }, async () => {
    const shell = shellWithSimpleFlock();
    const { pids, end } = await releaseAll(slow, ["k", "l"], () => ({ shell }));
    await someDo("syncing", pids, 1);
    await someDo("waiting", pids, 1);
    await end();
    const impatient = await releaseAll(slow, ["m", "n"], () => ({ shell, turnMs: 1 }));
    await someDo("syncing", impatient.pids, 2);
    await impatient.end();
  });

  test("take no turn in mode strict, or where they cannot be written down: somebody waits for them", {
    skip,
  }, async () => {
    const runDirectory = path.join(place.dir, "open-to-all");
    fs.mkdirSync(path.join(runDirectory, "pending"), { recursive: true });
    fs.chmodSync(path.join(runDirectory, "pending"), 0o777);
    const awaited = (rootfs: string) =>
      /strict/.test(rootfs) ? { mode: "strict" as const } : { runDirectory };
    const names = ["strict-1", "strict-2", "unnoted-1", "unnoted-2"];
    const { pids, end } = await releaseAll(slow, names, awaited);
    await someDo("syncing", pids, names.length);
    await end();
  });

  test("do not wait for one whose helper was killed in its turn", { skip }, async () => {
    const { pids, end } = await releaseAll(slow, ["i", "j"]);
    await someDo("syncing", pids, 1);
    const [second = 0] = await someDo("waiting", pids, 1);
    process.kill(second, "SIGKILL");
    await end();
  });
});
