import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { sleep } from "../../src/base/deadline.ts";
import { allProcesses } from "../../src/linux/process-stat.ts";
import { runtimeOptions } from "./exec-scene.ts";
import { NAMESPACE, noContainers, Workshop } from "./harness.ts";

const shop = new Workshop();

// Of which each part of `delete` has a share: on a machine that is busy with other tests none is to be short of time.
process.env.EBB_DELETE_MS = "30000";
const skip = noContainers;

/** How late after the launch of `runc create` shims are killed, in milliseconds: it takes some 40. */
const DELAYS = [0, 3, 6, 9, 12, 16, 20, 25, 30, 40];

const textOf = (file: string) => {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
};

/** The processes whose command line has a text. */
const processesWith = (text: string) =>
  allProcesses().filter(({ pid }) => textOf(`/proc/${pid}/cmdline`).includes(text));

/** The control groups of a container. */
function groupsOf(id: string): string[] {
  const root = "/sys/fs/cgroup";
  const hierarchies = [root, ...fs.readdirSync(root).map((name) => path.join(root, name))];
  return hierarchies.map((dir) => path.join(dir, NAMESPACE, id)).filter(fs.existsSync);
}

/** A shim that has called the OCI runtime's `create`, which stands still so much later while the shim is killed. */
async function killedInCreate(id: string, delayMs: number, binary?: string) {
  const bundle = await shop.bundle(id, ["sleep", "1000"]);
  const shim = await shop.launch(bundle);
  const { shimPid } = await shim.task.connect({ id });
  const rootfs = [shop.overlay(id)];
  const options = binary === undefined ? {} : { options: runtimeOptions(binary) };
  const creation = shim.task.create({ id, bundle: bundle.path, rootfs, ...options });
  creation.catch(() => {});
  const call = path.join(bundle.path, "log.json");
  const { pid } = await until("runc create", () => processesWith(call)[0]);
  await sleep(delayMs);
  signal(pid, "SIGSTOP");
  // Nobody waits for its end: the daemon sees no more of it than that its connection is closed.
  process.kill(shimPid, "SIGKILL");
  await shim.connection.closed;
  return { bundle, shim, goOn: () => signal(pid, "SIGCONT") };
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}

describe("a shim that is killed in Create leaves what the `delete` command brings back to clean", () => {
  for (const delayMs of DELAYS) {
    test(`${delayMs} ms after it has called runc`, { skip }, async () => {
      const id = `crash-create-${delayMs}`;
      const { bundle, shim, goOn } = await killedInCreate(id, delayMs);
      const { exitStatus, warnings } = await shop.deleteDead(bundle);
      assert.deepEqual([exitStatus, warnings], [137, ""]);
      const left = () => ({
        processes: processesWith(bundle.path),
        traces: shop.traces(bundle),
        groups: groupsOf(id),
        inPlaceOfRootfs: fs.readdirSync(bundle.rootfs),
        socket: fs.existsSync(shim.socketPath ?? ""),
      });
      const nothing = { processes: [], traces: [], groups: [], inPlaceOfRootfs: [], socket: false };
      assert.deepEqual(left(), nothing);
      // Where it had been left alone it would make the container now.
      goOn();
      await sleep(100);
      assert.deepEqual(left(), nothing);
    });
  }

  test("also what the runtime has started and waits for, and what takes no SIGTERM", { skip }, async () => {
    const id = "crash-create-hook";
    const mark = `hook-of-${process.pid}`;
    const binary = path.join(shop.dir, "slow-runc");
    const slow = `trap "" TERM; sh -c 'trap "" TERM; sleep 1000; : ${mark}' & wait`;
    fs.writeFileSync(binary, `#!/bin/sh\ncase "$*" in *" create "*) ${slow};; esac\nexec runc "$@"\n`, {
      mode: 0o755,
    });
    const { bundle } = await killedInCreate(id, 30, binary);
    assert.equal(processesWith(mark).length, 1);
    const { exitStatus, warnings } = await shop.deleteDead(bundle);
    assert.deepEqual([exitStatus, warnings], [137, ""]);
    assert.deepEqual([processesWith(mark), processesWith(bundle.path)], [[], []]);
    assert.deepEqual(shop.traces(bundle), []);
  });
});
