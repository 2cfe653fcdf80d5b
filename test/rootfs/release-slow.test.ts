import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { readFromDisk } from "../../lab/read-from-disk.ts";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { parseProcessStat, readProcessStat } from "../../src/linux/process-stat.ts";
import { helperPids, requestFor, scratch } from "./scratch.ts";

const libc = loadLibc();
const place = scratch(libc);
const skip = whyNoSlowDisk() ?? false;
const MIB = 1 << 20;
const gone = (pid: number) => [undefined, "Z"].includes(readProcessStat(pid)?.state);

/** The states of a process's threads. */
function threadStates(pid: number): string[] {
  return fs.readdirSync(`/proc/${pid}/task`).map((thread) => {
    return parseProcessStat(fs.readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8"))?.state ?? "?";
  });
}

/** Has a process of its own release a rootfs; it says the helper's pid, and what `then` says. */
function askElsewhere(rootfs: string, then: string, first = "") {
  const src = (file: string) => JSON.stringify(new URL(`../../src/${file}`, import.meta.url).pathname);
  const script = `
    import { releaseRootfs } from ${src("rootfs/release.ts")};
    import { loadLibc } from ${src("linux/koffi-libc.ts")};
    import { ownChildren, readProcessStat } from ${src("linux/process-stat.ts")};
    import { nullLogger } from ${src("base/logger.ts")};
    const libc = loadLibc();
    ${first}
    const host = { libc, logger: nullLogger, runDirectory: ${JSON.stringify(place.host.runDirectory)}, turnMs: 60_000 };
    const { mounts, ended } = await releaseRootfs(host, ${JSON.stringify(requestFor(rootfs))});
    console.log(mounts[0].helper.pid);
    ${then}`;
  const asker = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  asker.stdout.on("data", (chunk) => {
    output += String(chunk);
  });
  return { asker, said: () => output.split("\n").slice(0, -1) };
}

describe("releasing an overlay with unwritten data on a disk that takes a byte a second", () => {
  let disk: SlowDisk;
  before(async () => {
    if (skip === false) disk = await makeSlowDisk();
  });
  after(async () => {
    disk?.lift();
    await disk?.dispose();
  });

  /** An overlay whose upper directory has 4 MiB that are in the page cache only, with the disk throttled. */
  async function dirtyOverlay(name: string) {
    const [lower = "", rootfs = ""] = place.make(`${name}/lower`, `${name}/rootfs`);
    const [upper, work] = ["upper", "work"].map((part) => path.join(disk.mountPoint, name, part));
    for (const dir of [upper, work]) fs.mkdirSync(dir ?? "", { recursive: true });
    const data = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
    await libc.mount({ source: "overlay", target: rootfs, type: "overlay", flags: 0, data });
    const bytes = randomBytes(4 * MIB);
    fs.writeFileSync(path.join(rootfs, "data"), bytes);
    disk.throttle(1);
    const readBack = () => readFromDisk(path.join(upper ?? "", "data")).equals(bytes);
    return { rootfs, readBack, before: disk.writtenBytes() };
  }

  test("resolves while the helper is at it, with no thread of ours in the sync; the data comes through", {
    skip,
  }, async () => {
    const { rootfs, readBack, before } = await dirtyOverlay("alive");
    const released = await place.release(rootfs);
    const { ended } = released;
    const [helper = 0] = helperPids(released);
    let over = false;
    void ended.then(() => {
      over = true;
    });
    assert.deepEqual(place.mounts(), []);
    await until("the helper to sync", () => (readProcessStat(helper)?.state === "D" ? true : undefined));
    assert.ok(!threadStates(process.pid).includes("D"), threadStates(process.pid).join());
    assert.equal(over, false);
    assert.ok(disk.writtenBytes() - before < 4 * MIB);
    disk.lift();
    await ended;
    assert.ok(gone(helper));
    assert.ok(disk.writtenBytes() - before >= 4 * MIB);
    assert.ok(readBack());
  });

  test("goes on without the process that asked for it", { skip }, async () => {
    const { rootfs, readBack } = await dirtyOverlay("killed");
    const { asker, said } = askElsewhere(rootfs, "setInterval(() => {}, 1000);");
    const helper = Number(await until("the release", () => said()[0]));
    asker.kill("SIGKILL");
    await new Promise((resolve) => asker.once("exit", resolve));
    await until("the helper to sync", () => (readProcessStat(helper)?.state === "D" ? true : undefined));
    disk.lift();
    await until("the helper to end", () => (gone(helper) ? true : undefined));
    assert.ok(readBack());
  });

  test("makes nobody wait where the helper is killed too early, and still tells the end", {
    skip,
  }, async () => {
    const { rootfs, readBack } = await dirtyOverlay("helpless");
    // In another process: were its main thread the one to sync, nothing here could lift the limit.
    const kill = `
      const umount = libc.umount.bind(libc);
      libc.umount = (target, flags) => {
        const [helper] = ownChildren();
        process.kill(helper, "SIGKILL");
        while (readProcessStat(helper)?.state !== "Z");
        umount(target, flags);
      };`;
    const { asker, said } = askElsewhere(rootfs, 'await ended; console.log("ended");', kill);
    await until("the release", () => said()[0]);
    assert.deepEqual(place.mounts(), []);
    const pid = asker.pid ?? 0;
    await until("a thread to sync", () => (threadStates(pid).includes("D") ? true : undefined));
    assert.notEqual(readProcessStat(pid)?.state, "D");
    assert.equal(said().length, 1);
    disk.lift();
    assert.equal(await until("the end", () => said()[1]), "ended");
    assert.ok(readBack());
  });

  test("of several at once each has its own helper, and none is waited for", { skip }, async () => {
    const overlays = [];
    for (const name of ["one", "two", "three"]) overlays.push(await dirtyOverlay(name));
    const releases = await Promise.all(overlays.map(({ rootfs }) => place.release(rootfs)));
    const helpers = releases.flatMap(helperPids);
    assert.equal(new Set(helpers).size, 3);
    assert.deepEqual(place.mounts(), []);
    assert.ok(!helpers.some(gone));
    disk.lift();
    await Promise.all(releases.map(({ ended }) => ended));
    for (const { readBack } of overlays) assert.ok(readBack());
  });
});
