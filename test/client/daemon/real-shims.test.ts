import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../../../lab/until.ts";
import { Container, ExitHandler, StatusStore } from "../../../src/client/index.ts";
import { installedShims, makePlace, noContainers } from "../support.ts";

const place = makePlace("ebb-test-exits");

for (const shim of installedShims()) {
  test(`what ${shim.name} sends tells a container's life, and its end has it deleted`, {
    skip: noContainers,
  }, async () => {
    const store = new StatusStore();
    const handler = new ExitHandler(store, { deleteMs: 10_000, backOff: { firstMs: 10, maxMs: 1000 } });
    store.add("c");
    const container = await Container.open({
      runtime: shim.runtime,
      namespace: place.namespace,
      id: "c",
      stateDir: place.stateDir,
      rootfs: { kind: "overlay", lower: place.rootfs },
      spec: { args: ["sh", "-c", "exit 7"] },
    });
    try {
      handler.watch("c", container.shim.task);
      void (async () => {
        for await (const event of container.events) handler.handle(event);
      })();
      await container.start();
      await until("its Delete", () => (handler.watched.length === 0 ? true : undefined));
      const phases = store.changes.kept.map(({ phase }) => phase);
      assert.deepEqual([...new Set(phases)], ["creating", "created", "running", "stopped"]);
      assert.deepEqual([store.get("c")?.pid, store.get("c")?.ending?.exitStatus], [container.pid, 7]);
    } finally {
      handler.close();
      await container.remove();
    }
    assert.deepEqual(await place.leftovers(["c"]), []);
  });
}
