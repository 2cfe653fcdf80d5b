import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { StatusCode } from "../../../src/base/status.ts";
import { Container } from "../../../src/client/index.ts";
import { status } from "../../support/status.ts";
import { installedShims, makePlace, noContainers } from "../support.ts";
import { supervisorPlace } from "./supervisor-place.ts";
import { startSupervisorProcess } from "./supervisor-process.ts";

for (const shim of installedShims()) {
  const bench = makePlace(`ebb-test-beside-${shim.bootstrap ? "own" : "go"}`);
  const place = supervisorPlace(bench, shim.runtime);
  const { stateDir, namespace } = place.options;
  const bundleOf = (id: string) => path.join(stateDir, "bundles", namespace, id);

  /** Somebody else's container in the state directory of a supervisor. */
  async function openOther(id: string, space = namespace): Promise<Container> {
    const container = await Container.open({
      ...{ runtime: shim.runtime, namespace: space, id, stateDir },
      rootfs: { kind: "overlay", lower: bench.rootfs },
      spec: { args: ["sleep", "60"] },
    });
    await container.start();
    return container;
  }

  /** Ends it, which fails where that was done by another. */
  async function end(container: Container): Promise<void> {
    await container.kill(9);
    await container.wait();
    assert.equal((await container.delete()).exitStatus, 137);
    await container.remove();
  }

  describe(`a supervisor with ${shim.name}`, { skip: noContainers }, () => {
    test("leaves alone what others run in its state directory, and refuses its id", async () => {
      const other = await openOther("job");
      const supervisor = await place.open();
      assert.deepEqual(supervisor.list(), []);
      // No such user, which is found out only later.
      const making = supervisor.create(place.config("job", ["true"], { user: "nobody-at-all" }));
      await assert.rejects(making, status(StatusCode.alreadyExists, /container job exists already/));
      await end(other);
      assert.deepEqual(await place.leftovers(["job"]), []);
      await supervisor.close();
    });

    test("leaves alone what has the id of a container of its own that has ended", async () => {
      const first = await place.open();
      await first.create(place.config("c", ["true"]));
      await first.start("c");
      await until("its bundle to be gone", () => (existsSync(bundleOf("c")) ? undefined : true));
      await first.close();
      const other = await openOther("c");
      const second = await place.open();
      await second.remove("c", { force: true });
      await end(other);
      assert.deepEqual(await place.leftovers(["c"]), []);
      await second.close();
    });

    test("opens beside what has the id of a container of its own in another namespace", async () => {
      const first = await place.open();
      await first.create(place.config("c", ["true"]));
      await first.close();
      const other = await openOther("c", `${namespace}-other`);
      const second = await place.open();
      await second.remove("c", { force: true });
      await end(other);
      assert.deepEqual(await place.leftovers(["c"]), []);
      await second.close();
    });

    test("goes on with the containers of an earlier version, which did not mark them", async () => {
      const first = startSupervisorProcess(
        place.options,
        ["a", "b"].map((id) => place.config(id, ["sleep", "60"])),
      );
      await first.ready;
      await first.kill();
      for (const id of ["a", "b"]) rmSync(path.join(bundleOf(id), "supervised"));
      // As if it had been killed before Create was on record.
      rmSync(path.join(stateDir, "containers/b/state.json"));
      const second = await place.open();
      await until("one to be gone, and the other's shim to answer", () =>
        second.list().length === 1 && second.find("a").status.confirmed ? true : undefined,
      );
      assert.equal(second.find("a").status.phase, "running");
      await second.remove("a", { force: true });
      assert.deepEqual(await place.leftovers(["a", "b"]), []);
      await second.close();
    });
  });
}
