import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { command } from "../../lab/command.ts";
import { until } from "../../lab/until.ts";
import { StatusCode } from "../../src/base/status.ts";
import { cgroupOf } from "../../src/linux/cgroup/cgroup.ts";
import { RUNC_ROOT } from "../../src/oci/runc-root.ts";
import { containerd } from "../../src/proto/index.ts";
import { runtimeOptions } from "./exec-scene.ts";
import { NAMESPACE, noContainers, refused, Workshop } from "./harness.ts";

const SIGKILL = 9;
const { Status } = containerd.v1.types;
const shop = new Workshop();
const skip = noContainers;

/** What the daemon sends: an Any whose value is the JSON of an OCI object. */
function resources(value: unknown) {
  const typeUrl = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";
  return { typeUrl, value: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)) };
}

/** The limit on processes that a container has. */
function pidsLimit(pid: number): string {
  const lines = fs.readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n");
  const v1 = lines.map((text) => text.split(":")).find(([, names]) => names === "pids");
  const directory = v1 === undefined ? cgroupOf(pid) : path.join("/sys/fs/cgroup/pids", v1[2] ?? "");
  return fs.readFileSync(path.join(directory ?? "", "pids.max"), "utf8").trim();
}

describe("an update of a container's limits", () => {
  test("holds from its answer on, before and after the start; one that has ended is not found", {
    skip,
  }, async () => {
    const id = "updated";
    const { task, pid } = await shop.create(id);
    await task.update({ id, resources: resources({ pids: { limit: 40 } }) });
    assert.equal(pidsLimit(pid), "40");
    await task.start({ id });
    await task.update({ id, resources: resources({ pids: { limit: 50 } }) });
    assert.equal(pidsLimit(pid), "50");
    assert.equal((await task.state({ id })).status, Status.RUNNING);
    await task.kill({ id, signal: SIGKILL });
    await task.wait({ id });
    const late = task.update({ id, resources: resources({ pids: { limit: 60 } }) });
    await refused(late, StatusCode.notFound, /already finished: updated/);
    await task.delete({ id });
  });

  test("that is no JSON object is refused, and one that the OCI runtime refuses says why", {
    skip,
  }, async () => {
    const id = "unclear";
    const { task, pid } = await shop.create(id);
    const before = pidsLimit(pid);
    for (const value of ["", "{", "[]", "7"]) {
      const call = task.update({ id, resources: resources(value) });
      await refused(call, StatusCode.invalidArgument, /the resources for container unclear: the document/);
    }
    await refused(task.update({ id }), StatusCode.invalidArgument, /the document is empty/);
    const call = task.update({ id, resources: resources({ pids: { limit: "many" } }) });
    await refused(call, StatusCode.unknown, /OCI runtime update failed: .*pids/);
    assert.equal(pidsLimit(pid), before);
    await task.delete({ id });
  });
});

describe("a container that is paused", () => {
  test("stands still until it is resumed, and answers and events say so", { skip }, async () => {
    const id = "paused";
    const { bundle, task } = await shop.create(id, {
      args: ["sh", "-c", "while sleep 0.01; do echo >> /ticks; done"],
    });
    const ticks = path.join(bundle.path, "rootfs/ticks");
    const size = () => fs.statSync(ticks, { throwIfNoEntry: false })?.size ?? 0;
    await task.start({ id });
    await until("the first tick", () => (size() > 0 ? true : undefined));
    await task.pause({ id });
    assert.equal((await task.state({ id })).status, Status.PAUSED);
    const still = size();
    await refused(task.pause({ id }), StatusCode.failedPrecondition, /cannot pause a paused process: paused/);
    await refused(task.delete({ id }), StatusCode.failedPrecondition, /cannot delete a paused process/);
    assert.equal(size(), still);
    await task.resume({ id });
    assert.equal((await task.state({ id })).status, Status.RUNNING);
    await until("the next tick", () => (size() > still ? true : undefined));
    await refused(task.resume({ id }), StatusCode.failedPrecondition, /cannot resume a running process/);
    await task.kill({ id, signal: SIGKILL });
    await task.wait({ id });
    await refused(task.pause({ id }), StatusCode.failedPrecondition, /cannot pause a stopped process/);
    await task.delete({ id });
    await until("the last event", () =>
      shop.history(id).some((line) => line.startsWith("/tasks/delete")) ? true : undefined,
    );
    assert.deepEqual(shop.history(id), [
      "/tasks/create",
      "/tasks/start",
      "/tasks/paused",
      "/tasks/resumed",
      "/tasks/exit 137",
      "/tasks/delete 137",
    ]);
  });

  test("by half, as the OCI runtime has failed, runs on and can be paused again", { skip }, async () => {
    const id = "half-paused";
    const script = `#!/bin/sh
case " $* " in *" pause "*) [ -e ${shop.dir}/well ] || { runc "$@"; echo no >&2; exit 1; } ;; esac
exec runc "$@"
`;
    const failing = path.join(shop.dir, "failing-pause");
    fs.writeFileSync(failing, script, { mode: 0o755 });
    const { bundle, task } = await shop.create(id, {
      args: ["sh", "-c", "while sleep 0.01; do echo >> /ticks; done"],
      options: runtimeOptions(failing),
    });
    await task.start({ id });
    const size = () => fs.statSync(path.join(bundle.path, "rootfs/ticks"), { throwIfNoEntry: false })?.size;
    await refused(task.pause({ id }), StatusCode.unknown, /OCI runtime pause failed: no/);
    assert.equal((await task.state({ id })).status, Status.RUNNING);
    const before = size();
    await until("the next tick", () => ((size() ?? 0) > (before ?? 0) ? true : undefined));
    fs.writeFileSync(path.join(shop.dir, "well"), "");
    await task.pause({ id });
    await task.resume({ id });
    await task.kill({ id, signal: SIGKILL });
    await task.wait({ id });
    await task.delete({ id });
  });

  test("by somebody else dies of SIGKILL, too", { skip }, async () => {
    const id = "frozen-outside";
    const { task } = await shop.create(id);
    await task.start({ id });
    await command("runc", ["--root", path.join(RUNC_ROOT, NAMESPACE), "pause", id]);
    await task.kill({ id, signal: SIGKILL });
    assert.equal((await task.wait({ id })).exitStatus, 137);
    await task.delete({ id });
  });

  test("dies of SIGKILL all the same", { skip }, async () => {
    const id = "frozen";
    const { task } = await shop.create(id);
    await task.start({ id });
    await task.pause({ id });
    await task.kill({ id, signal: SIGKILL });
    assert.equal((await task.wait({ id })).exitStatus, 137);
    assert.equal((await task.state({ id })).status, Status.STOPPED);
    await task.delete({ id });
  });
});
