import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { nullLogger } from "../../src/base/logger.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { readProcessStat } from "../../src/linux/process-stat.ts";
import { executeMounts } from "../../src/rootfs/mount-execute.ts";
import { planMounts } from "../../src/rootfs/mount-plan.ts";
import { withView } from "../../src/rootfs/view.ts";
import { readInView } from "../../src/rootfs/view-file.ts";
import { scratch } from "./scratch.ts";

const libc = loadLibc();
const place = scratch(libc);
const skip = whyNoSlowDisk() ?? false;
const BYTES = 4 << 20;

/** Waits until what the kernel had begun to write, and the first that it lets through, is written and no more is. */
async function standStill(disk: SlowDisk): Promise<void> {
  let [bytes, times] = [-1, 0];
  await until("the disk to stand still", () => {
    const now = disk.writtenBytes();
    [bytes, times] = [now, now === bytes ? times + 1 : 0];
    return times === 10 ? true : undefined;
  });
}

describe("a view of an overlay with unwritten data on a disk that takes a byte a second", () => {
  let disk: SlowDisk;
  before(async () => {
    if (skip === false) disk = await makeSlowDisk();
  });
  after(async () => {
    disk?.lift();
    await disk?.dispose();
  });

  test("is had and let go without a byte written, before and during an unmount that waits for them all", {
    skip,
  }, async (t) => {
    const [lower = "", rootfs = "", scratchDir = ""] = place.make("lower", "rootfs", "scratch");
    await libc.mount({ source: "none", target: scratchDir, type: "tmpfs", flags: 0, data: "" });
    const [upper = "", work = ""] = ["upper", "work"].map((name) => path.join(disk.mountPoint, name));
    for (const dir of [upper, work]) fs.mkdirSync(dir);
    const options = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`];
    const spec = { type: "overlay", source: "overlay", target: "", options };
    await executeMounts(libc, planMounts([spec]), { rootfs });
    const bytes = randomBytes(BYTES);
    fs.writeFileSync(path.join(rootfs, "data"), bytes);
    disk.throttle(1);
    await standStill(disk);

    const look = async () => {
      const [written, started] = [disk.writtenBytes(), performance.now()];
      const options = { mounts: [spec], scratchDir, limitMs: 20_000, logger: nullLogger };
      const read = await withView(libc, options, (dir) => readInView(dir, "/data", BYTES));
      const ms = performance.now() - started;
      assert.ok(read.equals(bytes));
      assert.equal(disk.writtenBytes(), written);
      return ms;
    };
    const first = await look();
    // The control, in a process of its own as nothing else could lift the limit while it waits.
    const started = performance.now();
    const umount = spawn("umount", [rootfs], { stdio: "inherit" });
    const unmounted = new Promise((resolve) => umount.once("exit", resolve));
    const state = () => readProcessStat(umount.pid ?? 0)?.state;
    await until("the unmount to sync", () => (state() === "D" ? true : undefined));
    await standStill(disk);
    const second = await look();
    assert.equal(state(), "D");
    const written = disk.writtenBytes();
    disk.lift();
    assert.equal(await unmounted, 0);
    const synced = disk.writtenBytes() - written;
    assert.ok(synced >= BYTES, `${synced} bytes`);
    const ms = performance.now() - started;
    t.diagnostic(
      `two views: ${first.toFixed(1)} ms and ${second.toFixed(1)} ms, 0 bytes; ` +
        `the unmount: ${ms.toFixed(0)} ms, until the limit was lifted, ${synced} bytes`,
    );
  });
});
