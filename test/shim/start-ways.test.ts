/** Who lets a container's init go at its start: the shim, or the OCI runtime. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { type CreateOptions, noContainers, Workshop } from "./harness.ts";

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
    const ran = path.join(shop.dir, "hook-ran");
    const edit: CreateOptions["edit"] = (spec) => {
      Object.assign(spec, { hooks: { poststart: [{ path: "/bin/touch", args: ["touch", ran] }] } });
    };
    assert.deepEqual(await startedBy("hooks", { edit }), [RUNTIME]);
    assert.ok(fs.existsSync(ran));
  });
});
