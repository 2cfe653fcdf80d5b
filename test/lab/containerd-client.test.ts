import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ContainerdClient } from "../../lab/containerd-client.ts";
import { writeBusyboxImage } from "../../lab/image.ts";
import { importImages, topLayer } from "../../lab/import-images.ts";
import { settledLeftovers, snapshotLeftovers } from "../../lab/leftovers.ts";
import {
  type PrivateContainerd,
  startPrivateContainerd,
  whyNoContainerd,
} from "../../lab/private-containerd.ts";
import { defaultSpec } from "../../src/client/spec.ts";

const skip = whyNoContainerd() ?? false;
const RUNTIME = "io.containerd.runc.v2";
const SIGKILL = 9;

describe("the API of a private containerd", () => {
  let containerd: PrivateContainerd;
  let client: ContainerdClient;
  let parent = "";
  before(async () => {
    if (skip !== false) return;
    containerd = await startPrivateContainerd();
    await importImages(containerd, [writeBusyboxImage]);
    client = new ContainerdClient(containerd.address, containerd.namespace);
    parent = await topLayer(containerd);
  });
  after(async () => {
    client?.close();
    await containerd?.dispose();
  });

  /** Makes a container, and its task. */
  async function create(id: string, args: readonly string[]): Promise<void> {
    const spec = defaultSpec({ namespace: containerd.namespace, id, args });
    await client.create(id, await client.createContainer({ id, runtime: RUNTIME, spec }, parent));
  }

  test("runs a container to its end, and leaves nothing once it is deleted", { skip }, async () => {
    const scope = containerd.scope(["short"]);
    const clean = snapshotLeftovers(scope);
    await create("short", ["sh", "-c", "exit 7"]);
    const ended = client.wait("short");
    await client.start("short");
    assert.equal(await ended, 7);
    await client.delete("short");
    await client.deleteContainer("short");
    assert.deepEqual(await settledLeftovers(scope, clean), []);
    assert.doesNotMatch(await containerd.mustCtr(["snapshot", "ls"]), /^short/m);
  });

  test("runs a process in a container, lists it, and kills it", { skip }, async () => {
    await create("long", ["sleep", "1000"]);
    await client.start("long");
    assert.deepEqual(
      (await client.listTasks()).map(({ id, status }) => [id, status]),
      [["long", "RUNNING"]],
    );
    const { process } = defaultSpec({ namespace: "", id: "more", args: ["sh", "-c", "exit 3"] });
    await client.exec("long", "more", process);
    const ended = client.wait("long", "more");
    await client.start("long", "more");
    assert.equal(await ended, 3);
    await client.delete("long", "more");
    const killed = client.wait("long");
    await client.kill("long", SIGKILL);
    assert.equal(await killed, 128 + SIGKILL);
    await client.delete("long");
    assert.deepEqual(await client.listTasks(), []);
    await client.deleteContainer("long");
  });

  test("refuses with containerd's own words", { skip }, async () => {
    await assert.rejects(client.start("nobody"), /Tasks\/Start: code 5: .*nobody/);
  });
});
