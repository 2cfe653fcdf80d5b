import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { type Logger, nullLogger } from "../../src/base/logger.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { findMountHolders } from "../../src/linux/mount-holders.ts";
import { readMountInfo } from "../../src/linux/mountinfo.ts";
import { watchRelease } from "../../src/shim/release-log.ts";
import { notRoot, scratch } from "../rootfs/scratch.ts";

const libc = loadLibc();
const place = scratch(libc);

/** How often to try: the kernel gives the lowest number that is free, to whoever on this host comes first. */
const ATTEMPTS = 100;

/** Mounts something, and returns the number of it. */
async function mount(target: string): Promise<string> {
  await libc.mount({ source: "none", target, type: "tmpfs", flags: 0, data: "" });
  return readMountInfo().find(({ mountPoint }) => mountPoint === target)?.device ?? "";
}

/** A release that has ended, and where something is mounted that has got its number. */
async function reuseOfNumber() {
  const [first = "", target = ""] = place.make("first", "second");
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const device = await mount(first);
    const released = await place.release(first);
    await released.ended;
    if ((await mount(target)) === device) return { released, device, target };
    await (await place.release(target)).ended;
  }
  throw new Error(`in ${ATTEMPTS} attempts others took the number`);
}

describe("the log of a release", () => {
  test("does not take for a holder who has mounted what has the number of the gone mount now", {
    skip: notRoot,
  }, async () => {
    const { released, device, target } = await reuseOfNumber();
    const told: string[] = [];
    const at = (level: string) => (message: string) => void told.push(`${level}: ${message}`);
    const logger: Logger = { ...nullLogger, warn: at("warn"), info: at("info"), debug: at("debug") };
    watchRelease(released, logger);
    await released.copied;
    // As long as a search for whoever has that number takes, which must not be what it goes by.
    assert.ok((await findMountHolders(device)).holders.length > 0);
    await until("the end to be told", () => (told.length > 0 ? true : undefined));
    // How long the release took decides at which level its end is told.
    const { ms } = await released.ended;
    assert.deepEqual(told, [`${ms < 100 ? "debug" : "info"}: the rootfs is released`]);
    await (await place.release(target)).ended;
  });
});
