/** Who removes what runc keeps of a container that has ended: the shim, or the OCI runtime. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { RUNC_ROOT } from "../../src/oci/runc-root.ts";
import { type CreateOptions, NAMESPACE, noContainers, Workshop } from "./harness.ts";

const shop = new Workshop();
const skip = noContainers;

const DIRECT = "delete without the OCI runtime";
const RUNTIME = "OCI runtime delete";

/** How a container is made, and in which state it is deleted. */
interface Way extends CreateOptions {
  readonly env?: Record<string, string>;
  /** Whether it is deleted before it was started. */
  readonly isUnstarted?: boolean;
  /** Called when it has ended. */
  readonly before?: (groups: readonly string[]) => void;
}

/** In which way a container was deleted, as the shim has logged it. Nothing is left of it. */
async function deletedBy(id: string, { env = {}, isUnstarted = false, before, ...options }: Way = {}) {
  const made = await shop.create(id, { args: ["sh", "-c", "exit 3"], debug: true, ...options }, env);
  const { task, shim, bundle } = made;
  const state = fs.readFileSync(path.join(RUNC_ROOT, NAMESPACE, id, "state.json"), "utf8");
  const groups = Object.values<string>(JSON.parse(state).cgroup_paths);
  assert.ok(groups.length > 0 && groups.every((group) => fs.existsSync(group)), groups.join());
  if (!isUnstarted) {
    await task.start({ id });
    await task.wait({ id });
  }
  before?.(groups);
  assert.equal((await task.delete({ id })).exitStatus, isUnstarted ? 137 : 3);
  assert.deepEqual(shop.traces(bundle), []);
  assert.deepEqual(groups.filter(fs.existsSync), []);
  await task.shutdown({ id });
  await shim.close();
  return shop.log(id).flatMap(({ msg }) => (msg === DIRECT || msg === RUNTIME ? [msg] : []));
}

describe("a container is deleted", () => {
  test("without the OCI runtime", { skip }, async () => {
    assert.deepEqual(await deletedBy("d-direct"), [DIRECT]);
  });

  test("by the OCI runtime where the host says so", { skip }, async () => {
    assert.deepEqual(await deletedBy("d-runtime", { env: { EBB_DELETE: "runtime" } }), [RUNTIME]);
  });

  test("by the OCI runtime where it has not run", { skip }, async () => {
    assert.deepEqual(await deletedBy("d-unstarted", { isUnstarted: true }), [RUNTIME]);
  });

  test("by the OCI runtime where there are poststop hooks, which are run", { skip }, async () => {
    const ran = path.join(shop.dir, "hook-ran");
    const edit: CreateOptions["edit"] = (spec) => {
      Object.assign(spec, { hooks: { poststop: [{ path: "/bin/touch", args: ["touch", ran] }] } });
    };
    assert.deepEqual(await deletedBy("d-hooks", { edit }), [RUNTIME]);
    assert.ok(fs.existsSync(ran));
  });

  test("by the OCI runtime where it shares the host's pid namespace", { skip }, async () => {
    const edit: CreateOptions["edit"] = (spec) => {
      const { linux } = spec as { linux: { namespaces: { type: string }[] } };
      linux.namespaces = linux.namespaces.filter(({ type }) => type !== "pid");
    };
    assert.deepEqual(await deletedBy("d-host-pid", { edit }), [RUNTIME]);
  });

  test("by the OCI runtime where something is left in a control group of its own", { skip }, async () => {
    const before = ([group = ""]: readonly string[]) => fs.mkdirSync(path.join(group, "inner"));
    assert.deepEqual(await deletedBy("d-inner", { before }), [RUNTIME]);
  });
});
