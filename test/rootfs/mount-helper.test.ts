import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import PQueue from "p-queue";
import { until } from "../../lab/until.ts";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { readMountInfo } from "../../src/linux/mountinfo.ts";
import { allProcesses, commandLineOf, isLive, readProcessStat } from "../../src/linux/process-stat.ts";
import { executeMounts } from "../../src/rootfs/mount-execute.ts";
import { planMounts } from "../../src/rootfs/mount-plan.ts";
import { mountRootfs } from "../../src/rootfs/mount-rootfs.ts";
import { pidIn } from "../support/files.ts";
import { notRoot, requestFor, scratch } from "./scratch.ts";

const libc = loadLibc();
const place = scratch(libc);

/** Does something with another PATH. */
async function withPath<T>(value: string, run: () => Promise<T>): Promise<T> {
  const before = process.env.PATH;
  process.env.PATH = value;
  try {
    return await run();
  } finally {
    process.env.PATH = before;
  }
}

/** A mount helper that does what a script says, and what calls it. */
function helper(name: string, script: string) {
  const [dir = "", rootfs = ""] = place.make(`bin-${name}`, `rootfs-${name}`);
  fs.writeFileSync(path.join(dir, "mount.fuse3"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const options = ["lowerdir=/a:/b,c", "ro", "x$(touch y);'z'"];
  const steps = planMounts([{ type: "fuse3.some.kind", source: "a source", target: "", options }]);
  const mount = (signal?: AbortSignal) =>
    withPath(`${dir}:${process.env.PATH}`, () =>
      executeMounts(libc, steps, { rootfs, ...(signal && { signal }) }),
    );
  return { dir, rootfs, mount };
}

const isAlive = (pid: number) => {
  const stat = readProcessStat(pid);
  return stat !== undefined && isLive(stat);
};

describe("a mount of a type that takes a helper program", () => {
  test("hands it source, target, each option and its own name for the type", async () => {
    const { dir, rootfs, mount } = helper(
      "args",
      'for word; do echo "$word"; done > "$0.args"; pwd >> "$0.args"',
    );
    await mount();
    assert.deepEqual(fs.readFileSync(path.join(dir, "mount.fuse3.args"), "utf8").trim().split("\n"), [
      ...["a source", rootfs, "-o", "lowerdir=/a:/b,c", "-o", "ro", "-o", "x$(touch y);'z'"],
      ...["-t", "some.kind", "/"],
    ]);
  });

  test("that fails says what the helper has said, and how it has ended", async () => {
    const { rootfs, mount } = helper("fails", "echo nothing here; echo cannot open it >&2; exit 3");
    await assert.rejects(mount(), {
      message: `mount.fuse3 for some.kind on ${rootfs} ended with exit status 3: cannot open it`,
    });
    await assert.rejects(helper("silent", "kill -9 $$").mount(), /ended with SIGKILL: it said nothing/);
  });

  test("does not wait for what serves it, though that holds the pipe", async () => {
    const { dir, mount } = helper("serves", 'sleep 1000 & echo $! > "$0.pid"; exit "$(cat "$0.status")"');
    const file = path.join(dir, "mount.fuse3");
    for (const status of ["0", "1"]) {
      fs.writeFileSync(`${file}.status`, status);
      const mounting = mount();
      await (status === "0" ? mounting : assert.rejects(mounting, /exit status 1/));
      const pid = pidIn(`${file}.pid`) ?? 0;
      assert.ok(isAlive(pid));
      process.kill(pid, "SIGKILL");
    }
  });

  test("whose helper is missing says so", async () => {
    const { rootfs } = helper("missing", "");
    const steps = planMounts([{ type: "fuse.kind", source: "", target: "", options: [] }]);
    await assert.rejects(
      withPath("/nowhere", () => executeMounts(libc, steps, { rootfs })),
      (err: Error) =>
        hasCode(err, StatusCode.failedPrecondition) && /program mount\.fuse cannot/.test(err.message),
    );
  });

  test("is given up at the limit: the helper is killed with all that it has started", {
    skip: notRoot,
  }, async () => {
    const { dir, rootfs } = helper("hangs", 'sh -c \'echo $$ > "$0.pid"; sleep 1000; :\' "$0"; :');
    const pidFile = path.join(dir, "mount.fuse3.pid");
    const mounting = withPath(`${dir}:${process.env.PATH}`, () =>
      mountRootfs({
        host: place.host,
        mounts: [{ type: "fuse3.kind", source: "", target: "", options: [] }],
        release: requestFor(rootfs),
        limitMs: 700,
        queue: new PQueue(),
      }),
    );
    mounting.catch(() => {});
    const child = await until("the helper", () => pidIn(pidFile));
    const parent = readProcessStat(child)?.parent ?? 0;
    await assert.rejects(mounting, (err) => hasCode(err, StatusCode.deadlineExceeded));
    await until("the end of both", () => (isAlive(child) || isAlive(parent) ? undefined : true));
  });
});

const hasFuse = ["/dev/fuse", "/usr/bin/fuse-overlayfs"].every((file) => fs.existsSync(file));
const skip = notRoot || (hasFuse ? false : "needs fuse-overlayfs, mount.fuse3 and /dev/fuse");

describe("fuse-overlayfs", () => {
  /** A mount of it, and the process that serves it. */
  async function mounted(name: string) {
    const dirs = ["rootfs", "lower", "upper", "work"].map((dir) => `${name}/${dir}`);
    const [rootfs = "", lower = "", upper = "", work = ""] = place.make(...dirs);
    fs.writeFileSync(path.join(lower, "below"), "below");
    const options = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`];
    const steps = planMounts([{ type: "fuse3.fuse-overlayfs", source: "overlay", target: "", options }]);
    await executeMounts(libc, steps, { rootfs });
    const serves = allProcesses().filter(({ pid }) => commandLineOf(pid).includes(rootfs));
    assert.equal(serves.length, 1);
    return { rootfs, upper, server: serves[0]?.pid ?? 0 };
  }

  test("is mounted, and released when it is let go", { skip }, async () => {
    const { rootfs, upper, server } = await mounted("fuse");
    assert.equal(fs.readFileSync(path.join(rootfs, "below"), "utf8"), "below");
    fs.writeFileSync(path.join(rootfs, "written"), "written");
    const { ended, mounts } = await place.release(rootfs);
    assert.deepEqual(
      mounts.map(({ mountPoint }) => mountPoint),
      [rootfs],
    );
    await ended;
    await until("the end of what serves it", () => (isAlive(server) ? undefined : true));
    assert.equal(fs.readFileSync(path.join(upper, "written"), "utf8"), "written");
  });

  test("leaves the tree also when what serves it hangs, and nobody waits", { skip }, async () => {
    const { rootfs, server } = await mounted("fuse-hangs");
    process.kill(server, "SIGSTOP");
    const { ended } = await place.release(rootfs);
    assert.ok(!readMountInfo().some(({ mountPoint }) => mountPoint === rootfs));
    await ended;
    process.kill(server, "SIGKILL");
  });
});
