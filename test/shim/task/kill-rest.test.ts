import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { deadline } from "../../../src/base/deadline.ts";
import { StatusCode } from "../../../src/base/status.ts";
import { cgroupPids } from "../../../src/linux/cgroup/cgroup.ts";
import { type CgroupDirs, cgroupDirsOf } from "../../../src/linux/cgroup/dirs.ts";
import { freeze, thaw } from "../../../src/linux/cgroup/freeze.ts";
import { loadLibc } from "../../../src/linux/koffi-libc.ts";
import { killRest } from "../../../src/shim/task/kill-rest.ts";
import { withCgroup } from "../../linux/real-cgroup.ts";
import { makeTempDir } from "../../support/files.ts";
import { refused } from "../harness.ts";

const LIMIT_MS = 10_000;
const V1 = "/sys/fs/cgroup/freezer";
const skip = process.getuid?.() === 0 ? false : "needs root";
/** Forks without end, and each of them does. */
const FORKS = "while :; do sleep 1000 & sleep 0.01; done";

const scratch = makeTempDir();
const v2 = path.join(scratch.dir, "cgroup2");
before(async () => {
  if (skip !== false) return;
  fs.mkdirSync(v2);
  await loadLibc().mount({ source: "none", target: v2, type: "cgroup2", flags: 0, data: "" });
});
after(() => {
  if (skip === false) loadLibc().umount(v2, 0);
  scratch.remove();
});

/** The versions, each with where a group of it can be made. */
const versions: readonly [string, string, string | false, (dir: string) => CgroupDirs][] = [
  [
    "v1",
    V1,
    skip || (fs.existsSync(V1) ? false : "needs the freezer of v1"),
    (freezer) => ({ version: 1, controllers: { freezer } }),
  ],
  ["v2", v2, skip, (unified) => ({ version: 2, unified })],
];

/** A shell in a group that has forked. */
async function forkIn(dir: string): Promise<ChildProcess> {
  const child = spawn("sh", ["-c", `echo $$ > "$0/cgroup.procs"; ${FORKS}`, dir], { stdio: "ignore" });
  await until("the forks", () => cgroupPids(dir).length > 3 || undefined);
  return child;
}

for (const [version, parent, skipThis, dirsOf] of versions) {
  describe(`the control groups of a container on ${version}`, () => {
    test("kill all its processes, though they fork", { skip: skipThis }, async () => {
      await withCgroup(parent, async (dir) => {
        await forkIn(dir);
        await killRest(dirsOf(dir), LIMIT_MS);
        assert.deepEqual(cgroupPids(dir), []);
        await killRest(dirsOf(dir), LIMIT_MS);
      });
    });

    test("kill all its processes, though they are frozen", { skip: skipThis }, async () => {
      await withCgroup(parent, async (dir) => {
        await forkIn(dir);
        const dirs = dirsOf(dir);
        const { signal, cleanup } = deadline(LIMIT_MS, "freezing");
        await freeze(dirs, signal);
        cleanup();
        await killRest(dirs, LIMIT_MS);
        assert.deepEqual(cgroupPids(dir), []);
      });
    });

    test("freeze them where they are, until they are thawed", { skip: skipThis }, async () => {
      await withCgroup(parent, async (dir) => {
        await forkIn(dir);
        const dirs = dirsOf(dir);
        const { signal, cleanup } = deadline(LIMIT_MS, "freezing");
        await freeze(dirs, signal);
        cleanup();
        const frozen = cgroupPids(dir).length;
        // The only sleep in here: a shell that still ran would have forked ten times by then.
        await new Promise((resolve) => setTimeout(resolve, 100));
        assert.equal(cgroupPids(dir).length, frozen);
        thaw(dirs);
        await until("another fork", () => cgroupPids(dir).length > frozen || undefined);
        await killRest(dirs, LIMIT_MS);
      });
    });

    test("do not kill whoever asks for it", { skip: skipThis }, async () => {
      const own = cgroupDirsOf(process.pid);
      const place = own?.version === 2 ? own.unified : own?.controllers.memory;
      const dirs: CgroupDirs =
        place === undefined ? dirsOf(parent) : { version: 1, controllers: { pids: place } };
      await refused(
        killRest(dirs, LIMIT_MS),
        StatusCode.failedPrecondition,
        /not a group of the container's own/,
      );
    });
  });
}

test("a container that is in no control group has nothing to kill", async () => {
  await killRest({ version: 1, controllers: {} }, LIMIT_MS);
  await killRest({ version: 2, unified: "/no/such/group" }, LIMIT_MS);
});
