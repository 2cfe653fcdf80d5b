import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { sleep } from "../../src/base/deadline.ts";
import { allProcesses, commandLineOf } from "../../src/linux/process-stat.ts";
import { pidIn, script } from "../support/files.ts";
import { runtimeOptions } from "./exec-scene.ts";
import { groupsAt, NAMESPACE, noContainers, Workshop } from "./harness.ts";

const shop = new Workshop();

// Of which each part of `delete` has a share: on a machine that is busy with other tests none is to be short of time.
process.env.EBB_DELETE_MS = "30000";
const skip = noContainers;

/** How late after the launch of `runc create` shims are killed, in milliseconds: it takes some 40. */
const DELAYS = [0, 3, 6, 9, 12, 16, 20, 25, 30, 40];

/** The processes whose command line has a text. */
const processesWith = (text: string) =>
  allProcesses().filter(({ pid }) => commandLineOf(pid).join(" ").includes(text));

/** The control groups of a container. */
const groupsOf = (id: string) => groupsAt(path.join(NAMESPACE, id));

/** A shim that has called the OCI runtime's `create`, which stands still so much later while the shim is killed. */
async function killedInCreate(id: string, delayMs: number, create = 'exec runc "$@"') {
  const bundle = await shop.bundle(id, ["sleep", "1000"]);
  const shim = await shop.launch(bundle);
  const { shimPid } = await shim.task.connect({ id });
  const rootfs = [shop.overlay(id)];
  const pidFile = path.join(shop.dir, `pid-of-${id}`);
  const body = `case "$*" in *" create "*) echo $$ > ${pidFile}; ${create};; esac\nexec runc "$@"`;
  const binary = script(shop.dir, `runc-of-${id}`, body);
  const creation = shim.task.create({ id, bundle: bundle.path, rootfs, options: runtimeOptions(binary) });
  creation.catch(() => {});
  // Where it is noticed late runc may be done, which is a case of its own.
  const pid = await until("runc create", () => pidIn(pidFile));
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
    const slow = `trap "" TERM; sh -c 'trap "" TERM; sleep 1000; : ${mark}' & wait`;
    const { bundle } = await killedInCreate(id, 100, slow);
    assert.ok(processesWith(mark).length > 0);
    const { exitStatus, warnings } = await shop.deleteDead(bundle);
    assert.deepEqual([exitStatus, warnings], [137, ""]);
    assert.deepEqual([processesWith(mark), processesWith(bundle.path)], [[], []]);
    assert.deepEqual(shop.traces(bundle), []);
  });
});

describe("a runtime that is killed in Create", () => {
  test("leaves no control group, nor anything else, and its shim goes on", { skip }, async () => {
    const id = "killed-runc";
    // A hook of runc's is its child, and comes when the control groups are there and the state is not.
    const edit = (spec: object) => {
      const hook = { path: "/bin/sh", args: ["sh", "-c", "kill -9 $PPID"] };
      Object.assign(spec, { hooks: { createRuntime: [hook] } });
    };
    const bundle = await shop.bundle(id, ["true"], {}, edit);
    const shim = await shop.launch(bundle);
    const creation = shim.task.create({ id, bundle: bundle.path, rootfs: [shop.overlay(id)] });
    await assert.rejects(creation, /runc ended with SIGKILL/);
    assert.deepEqual([shop.traces(bundle), groupsOf(id)], [[], []]);
    assert.deepEqual(
      shop.log(id).filter(({ level }) => level === "error"),
      [],
    );
    await shim.task.shutdown({ id });
    await shim.connection.closed;
  });
});
