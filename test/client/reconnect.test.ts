import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { StatusCode } from "../../src/base/status.ts";
import { Container } from "../../src/client/index.ts";
import { reconnectShim } from "../../src/client/reconnect.ts";
import { taskV2, taskV3 } from "../../src/proto/index.ts";
import { Server } from "../../src/ttrpc/index.ts";
import { status } from "../support/status.ts";
import { installedShims, makePlace, noContainers, openFiles, scratchDir } from "./support.ts";

const dir = scratchDir();
const socket = path.join(dir, "s");
const server = new Server();
for (const service of [taskV2, taskV3]) server.register(service, { state: async () => ({ pid: 42 }) });
before(() => server.listen({ path: socket, mode: 0o600 }));
after(() => server.close());
let made = 0;

function bundleWith(files: Record<string, string>): string {
  made += 1;
  const bundle = path.join(dir, `b${made}`);
  mkdirSync(bundle);
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(bundle, name), text);
  return bundle;
}

describe("connecting again to a shim", () => {
  const note = JSON.stringify({ version: 3, address: `unix://${socket}`, protocol: "ttrpc" });
  const rows: [string, Record<string, string>, number][] = [
    ["the daemon's note", { "bootstrap.json": note, address: "unix:///elsewhere" }, 3],
    ["the address that the shim has left", { address: `unix://${socket}` }, 2],
  ];
  for (const [what, files, version] of rows) {
    test(`goes by ${what}`, async () => {
      const bundle = bundleWith(files);
      const shim = await reconnectShim({ bundle });
      assert.equal(shim.answer.version, version);
      assert.equal((await shim.task.state({ id: "c" })).pid, 42);
      await shim.close();
      // A pipe's reading end is closed by a thread of the runtime.
      await until("the log to be closed", () => (openFiles(bundle).length === 0 ? true : undefined));
    });
  }

  test("names a bundle that does not say where", async () => {
    await assert.rejects(
      reconnectShim({ bundle: bundleWith({}) }),
      status(StatusCode.notFound, /b\d+ does not say/),
    );
  });

  test("to one that is dead is unavailable, and leaves nothing open", async () => {
    const bundle = bundleWith({ address: `unix://${dir}/nobody` });
    await assert.rejects(reconnectShim({ bundle }), status(StatusCode.unavailable, /nobody/));
    assert.deepEqual(openFiles(bundle), []);
  });
});

const place = makePlace("ebb-test-reconnect");
for (const shim of installedShims()) {
  test(`a container by ${shim.name} runs on, and is found again, when its connection was closed`, {
    skip: noContainers,
  }, async () => {
    const container = await Container.open({
      runtime: shim.runtime,
      namespace: place.namespace,
      id: "c",
      stateDir: place.stateDir,
      rootfs: { kind: "overlay", lower: place.rootfs },
      spec: { args: ["sleep", "60"] },
    });
    try {
      await container.start();
      container.shim.connection.close();
      const again = await reconnectShim({
        bundle: path.join(place.stateDir, "bundles", place.namespace, "c"),
      });
      const { pid, status } = await again.task.state({ id: "c" });
      assert.deepEqual([pid, status], [container.pid, 2]);
      await again.close();
    } finally {
      await container.remove();
    }
    assert.deepEqual(await place.leftovers(["c"]), []);
  });
}
