/** Who lets a container's init go at its start: the shim, or the OCI runtime. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { command } from "../../lab/command.ts";
import { StatusCode } from "../../src/base/status.ts";
import { RUNC_ROOT } from "../../src/oci/runc-root.ts";
import { type CreateOptions, NAMESPACE, noContainers, refused, Workshop } from "./harness.ts";

const shop = new Workshop();
const skip = noContainers;

const DIRECT = "start without the OCI runtime";
const RUNTIME = "OCI runtime start";

/** A container from its creation to its deletion; in which way it was started, as the shim has logged it. */
async function startedBy(
  id: string,
  options: CreateOptions,
  env: Record<string, string> = {},
): Promise<string[]> {
  const { task, shim, bundle } = await shop.create(
    id,
    { args: ["sh", "-c", "exit 3"], debug: true, ...options },
    env,
  );
  await task.start({ id });
  assert.equal((await task.wait({ id })).exitStatus, 3);
  await task.delete({ id });
  assert.deepEqual(shop.traces(bundle), []);
  await task.shutdown({ id });
  await shim.close();
  assert.deepEqual(shop.history(id), ["/tasks/create", "/tasks/start", "/tasks/exit 3", "/tasks/delete 3"]);
  return shop.log(id).flatMap(({ msg }) => (msg === DIRECT || msg === RUNTIME ? [msg] : []));
}

describe("a container is started", () => {
  test("without the OCI runtime", { skip }, async () => {
    assert.deepEqual(await startedBy("direct", {}), [DIRECT]);
  });

  test("by the OCI runtime where the host says so", { skip }, async () => {
    assert.deepEqual(await startedBy("runtime", {}, { EBB_START: "runtime" }), [RUNTIME]);
  });

  test("by the OCI runtime where there are poststart hooks, which are run", { skip }, async () => {
    // At Create by every runc up to 1.5, at Start by those that follow.
    const ran = path.join(shop.dir, "hook-ran");
    const edit: CreateOptions["edit"] = (spec) => {
      Object.assign(spec, { hooks: { poststart: [{ path: "/bin/touch", args: ["touch", ran] }] } });
    };
    assert.deepEqual(await startedBy("hooks", { edit }), [RUNTIME]);
    assert.ok(fs.existsSync(ran));
  });
});

describe("an init that does not go on", () => {
  /** Stops it before its start, by what a test does to a container that was created. */
  async function stuck(id: string, hold: (pid: number) => Promise<unknown>) {
    const made = await shop.create(id, { debug: true });
    await hold(made.pid ?? 0);
    return made;
  }

  test("as it is frozen is the OCI runtime's to tell, and others in the shim are not held up", {
    skip,
  }, async () => {
    const runc = (...args: string[]) => command("runc", ["--root", path.join(RUNC_ROOT, NAMESPACE), ...args]);
    const { task, bundle, shim } = await stuck("frozen", () => runc("pause", "frozen"));
    await refused(task.start({ id: "frozen" }), StatusCode.unknown, /paused state/);
    await runc("resume", "frozen");
    await task.start({ id: "frozen" });
    await task.kill({ id: "frozen", signal: 9 });
    assert.equal((await task.wait({ id: "frozen" })).exitStatus, 137);
    await task.delete({ id: "frozen" });
    assert.deepEqual(shop.traces(bundle), []);
    await task.shutdown({ id: "frozen" });
    await shim.close();
  });

  test("is killed like any other while its start is under way", { skip }, async () => {
    const id = "stopped";
    const { task, bundle, shim, pid } = await stuck(id, async (pid) => process.kill(pid, "SIGSTOP"));
    const started = assert.rejects(task.start({ id }), /OCI runtime start failed/);
    await task.state({ id });
    await task.kill({ id, signal: 9 });
    await started;
    assert.equal((await task.wait({ id })).exitStatus, 137);
    assert.equal((await task.delete({ id })).pid, pid);
    assert.deepEqual(shop.traces(bundle), []);
    await task.shutdown({ id });
    await shim.close();
  });
});
