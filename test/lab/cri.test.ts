import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Cri } from "../../lab/cri.ts";
import { GrpcConnection } from "../../lab/grpc.ts";
import { newLeftovers, settledLeftovers, snapshotLeftovers } from "../../lab/leftovers.ts";
import { type PrivateContainerd, whyNoContainerd } from "../../lab/private-containerd.ts";
import { type CriScene, startCriScene } from "../e2e/cri-scene.ts";

const skip = whyNoContainerd() ?? false;

describe("the CRI of a private containerd", () => {
  let scene: CriScene;
  let cri: Cri;
  let containerd: PrivateContainerd;
  before(async () => {
    if (skip !== false) return;
    scene = await startCriScene();
    ({ cri, containerd } = scene);
  });
  after(() => scene?.dispose());

  async function run(name: string): Promise<[string, string]> {
    const pod = await cri.runPod(name, "runc", `/${containerd.cgroupParent}`);
    return [pod.id, await cri.runContainer(pod, "main", ["sleep", "1000"])];
  }

  async function remove(pod: string): Promise<void> {
    await cri.stopPod(pod);
    await cri.removePod(pod);
  }

  test("runs a pod with a container, updates it, lists both, and leaves nothing once it is removed", {
    skip,
  }, async () => {
    // What CRI makes once and keeps is no leftover.
    const [first] = await run("first");
    await remove(first);

    const clean = snapshotLeftovers(containerd.scope([]));
    const [pod, container] = await run("second");
    assert.deepEqual(await cri.listPods(), [{ id: pod, state: "SANDBOX_READY" }]);
    assert.deepEqual(await cri.listContainers(), [{ id: container, state: "CONTAINER_RUNNING" }]);
    await cri.updateCpuShares(container, 512);
    const scope = containerd.scope([pod, container]);
    const left = newLeftovers(clean, snapshotLeftovers(scope));
    for (const kind of ["process", "mount", "socket", "runc state", "cgroup", "directory"]) {
      assert.ok(
        left.some((line) => line.startsWith(`${kind} `)),
        `${kind} in ${left.join("\n")}`,
      );
    }
    await cri.stopPod(pod);
    assert.deepEqual(await cri.listPods(), [{ id: pod, state: "SANDBOX_NOTREADY" }]);
    assert.deepEqual(await cri.listContainers(), [{ id: container, state: "CONTAINER_EXITED" }]);
    await cri.removePod(pod);
    assert.deepEqual([await cri.listPods(), await cri.listContainers()], [[], []]);
    assert.deepEqual(await settledLeftovers(scope, clean), []);
  });

  test("has no image that nobody imported", { skip }, async () => {
    assert.equal(await cri.hasImage("ebb.local/none:latest"), false);
  });

  test("refuses a call with containerd's own words", { skip }, async () => {
    await assert.rejects(
      cri.updateCpuShares("nobody", 512),
      /UpdateContainerResources: code 5: failed to find container/,
    );
    await assert.rejects(
      cri.runPod("x", "no-such-runtime", "/x"),
      /RunPodSandbox: code 2: .*no-such-runtime/,
    );
  });

  test("ends the calls of a connection that is closed, or that nobody answers in time", {
    skip,
  }, async () => {
    const connection = new GrpcConnection(containerd.address);
    const events = "/containerd.services.events.v1.Events/Subscribe";
    await assert.rejects(connection.call(events, new Uint8Array(), 50), /Subscribe|cancel/i);
    const call = connection.call(events, new Uint8Array());
    connection.close();
    await assert.rejects(call);
    const nowhere = new GrpcConnection(`${containerd.address}.none`);
    await assert.rejects(nowhere.call(events, new Uint8Array()));
    nowhere.close();
  });
});
