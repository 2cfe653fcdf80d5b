import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { BUSYBOX_IMAGE, writeBusyboxImage } from "../../lab/image.ts";
import {
  newLeftovers,
  processes,
  settledLeftovers,
  shimSocketPath,
  snapshotLeftovers,
} from "../../lab/leftovers.ts";
import {
  type PrivateContainerd,
  startPrivateContainerd,
  whyNoContainerd,
} from "../../lab/private-containerd.ts";
import { until } from "../../lab/until.ts";

const skip = whyNoContainerd() ?? false;
const ID = "lab-container";
const RUN = ["run", "-d", "--runtime", "io.containerd.runc.v2"];

describe("a private containerd", () => {
  let scratch = "";
  let archive = "";
  let containerd: PrivateContainerd;
  before(async () => {
    if (skip !== false) return;
    scratch = mkdtempSync(path.join(os.tmpdir(), "ebb-test-lab-"));
    archive = path.join(scratch, "image.tar");
    await writeBusyboxImage(archive);
    containerd = await startPrivateContainerd();
    await containerd.mustCtr(["image", "import", archive]);
  });
  after(async () => {
    await containerd?.dispose();
    rmSync(scratch, { recursive: true, force: true });
  });

  test("has the image that was made without a network", { skip }, async () => {
    assert.equal((await containerd.mustCtr(["image", "ls", "-q"])).trim(), BUSYBOX_IMAGE);
  });

  test("serves again after a crash, with what it had", { skip }, async () => {
    await containerd.restart();
    assert.equal((await containerd.mustCtr(["image", "ls", "-q"])).trim(), BUSYBOX_IMAGE);
  });

  test("reports how a command failed instead of throwing", { skip }, async () => {
    const { exitCode, stderr } = await containerd.ctr(["task", "rm", "nobody"]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /not found/);
  });

  test("shows a running container among the leftovers, and nothing once it is deleted", {
    skip,
  }, async () => {
    const scope = containerd.scope([ID]);
    const clean = snapshotLeftovers(scope);
    await containerd.mustCtr([...RUN, BUSYBOX_IMAGE, ID, "sleep", "1000"]);
    // Started is not yet running: the OCI runtime becomes the program a little later.
    const left = await until("the program to run", () => {
      const lines = newLeftovers(clean, snapshotLeftovers(scope));
      return lines.some((line) => /^process \d+ .*sleep 1000/.test(line)) ? lines : undefined;
    });
    for (const kind of [/^process \d+ containerd-shim/, /^mount .*rootfs$/]) {
      assert.ok(
        left.some((line) => kind.test(line)),
        `${kind} in ${left.join("\n")}`,
      );
    }
    for (const kind of ["socket", "runc state", "cgroup", "directory"]) {
      assert.ok(
        left.some((line) => line.startsWith(`${kind} `)),
        `${kind} in ${left.join("\n")}`,
      );
    }
    await containerd.mustCtr(["task", "kill", "-s", "KILL", ID]);
    await containerd.mustCtr(["task", "rm", "-f", ID]);
    await containerd.mustCtr(["container", "rm", ID]);
    assert.deepEqual(await settledLeftovers(scope, clean), []);
  });

  test("takes everything along when it goes, whatever still runs", { skip }, async () => {
    const other = await startPrivateContainerd();
    const scope = other.scope([ID]);
    await other.mustCtr(["image", "import", archive]);
    await other.mustCtr([...RUN, BUSYBOX_IMAGE, ID, "sleep", "1000"]);
    assert.ok(existsSync(shimSocketPath(scope, ID)));
    assert.equal(processes(scope).length > 1, true);
    await Promise.all([other.dispose(), other.dispose()]);
    assert.deepEqual(snapshotLeftovers(scope), []);
    assert.equal(existsSync(path.dirname(other.address)), false);
    assert.equal(readFileSync("/proc/self/mountinfo", "utf8").includes(other.namespace), false);
  });
});
