import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { until } from "../../lab/until.ts";
import { allProcesses, commandLineOf, isLive } from "../../src/linux/process-stat.ts";
import { noContainers, Workshop } from "./harness.ts";

const SIGKILL = 9;
const shop = new Workshop();
const hasFuse = ["/dev/fuse", "/usr/bin/fuse-overlayfs"].every((file) => fs.existsSync(file));
const skip = noContainers || (hasFuse ? false : "needs fuse-overlayfs, mount.fuse3 and /dev/fuse");

/** The process that serves a mount. */
const serverOf = (rootfs: string) =>
  allProcesses().find((one) => isLive(one) && commandLineOf(one.pid).includes(rootfs))?.pid;

for (const isHanging of [false, true]) {
  const when = isHanging ? "hangs when it is deleted" : "ends with it";
  test(`a container on fuse-overlayfs runs and is deleted; what serves its rootfs ${when}`, {
    skip,
  }, async () => {
    const id = isHanging ? "fuse-hangs" : "fuse";
    const overlay = shop.overlay(id);
    const rootfs = [{ ...overlay, type: "fuse3.fuse-overlayfs" }];
    const { bundle, shim, task } = await shop.create(id, {
      args: ["sh", "-c", "echo written > /mark; exec sleep 1000"],
      rootfs,
    });
    await task.start({ id });
    const mark = path.join(shop.dir, "upper", id, "mark");
    await until("the mark", () => (fs.existsSync(mark) && fs.statSync(mark).size > 0 ? true : undefined));
    await task.kill({ id, signal: SIGKILL });
    await task.wait({ id });
    const server = serverOf(bundle.rootfs) ?? 0;
    assert.ok(server > 0);
    if (isHanging) process.kill(server, "SIGSTOP");
    await task.delete({ id });
    assert.deepEqual(shop.traces(bundle), []);
    await task.shutdown({ id });
    await shim.connection.closed;
    if (isHanging) process.kill(server, "SIGKILL");
    await until("its end", () => (serverOf(bundle.rootfs) === undefined ? true : undefined));
  });
}
