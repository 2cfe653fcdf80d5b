import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { StatusCode } from "../../../src/base/status.ts";
import { findShimProcesses } from "../../../src/client/shim-process.ts";
import { status } from "../../support/status.ts";
import { installedShims, makePlace, noContainers } from "../support.ts";
import { supervisorPlace } from "./supervisor-place.ts";
import { startSupervisorProcess } from "./supervisor-process.ts";

const IDS = ["a", "b", "c", "d", "e"];

for (const shim of installedShims()) {
  const bench = makePlace(`ebb-test-killed-${shim.bootstrap ? "own" : "go"}`);
  const place = supervisorPlace(bench, shim.runtime);
  const { stateDir, namespace } = place.options;
  const recordOf = (id: string) => path.join(stateDir, "containers", id);
  const shimsOf = (id: string) =>
    findShimProcesses({ namespace, id, address: path.join(stateDir, "ebb.sock") });

  describe(`with ${shim.name}, the next supervisor after one that was killed`, { skip: noContainers }, () => {
    test("has its containers again, and knows how those have ended that went on without any", async () => {
      const configs = IDS.map((id, n) =>
        place.config(
          id,
          n < 2 ? ["sh", "-c", `while ! [ -e /go ]; do sleep 0.02; done; exit ${n + 5}`] : ["sleep", "60"],
        ),
      );
      const first = startSupervisorProcess(place.options, configs);
      await first.ready;
      await first.kill();
      for (const id of ["a", "b"])
        writeFileSync(path.join(stateDir, "bundles", namespace, id, "rootfs/go"), "");
      const second = await place.open();
      assert.deepEqual(
        second.list().map(({ config }) => config.id),
        IDS,
      );
      const endings = await Promise.all(["a", "b"].map((id) => second.wait(id)));
      assert.deepEqual(
        endings.map(({ exitStatus }) => exitStatus),
        [5, 6],
      );
      await until("the shims to answer", () =>
        second.list().every(({ status }) => status.confirmed) ? true : undefined,
      );
      for (const id of ["c", "d", "e"]) {
        assert.equal(second.find(id).status.phase, "running");
        assert.equal((await second.stop(id, { graceMs: 1 })).exitStatus, 137);
      }
      for (const id of IDS) await second.remove(id, { force: false });
      assert.deepEqual(await place.leftovers(IDS), []);
      await second.close();
    });

    // containerd's own shim gives up sending after a while.
    if (shim.bootstrap) {
      test("hears of what its containers' shims had to tell while nobody listened", async () => {
        const first = startSupervisorProcess(place.options, [place.config("c", ["sleep", "60"])]);
        await first.ready;
        await first.kill();
        const { pid } = JSON.parse(readFileSync(path.join(recordOf("c"), "state.json"), "utf8"));
        process.kill(pid, "SIGKILL");
        await until("its end", () => (existsSync(`/proc/${pid}`) ? undefined : true));
        const second = await place.open();
        let told: number | undefined;
        for await (const event of second.events()) {
          if (event.type !== "containerd.events.TaskExit") continue;
          told = event.event.exitStatus;
          break;
        }
        assert.equal(told, 137);
        await second.remove("c", { force: false });
        assert.deepEqual(await place.leftovers(["c"]), []);
        await second.close();
      });
    }

    test("cleans up after shims that have died meanwhile, and tells their containers' end", async () => {
      const first = startSupervisorProcess(place.options, [place.config("c", ["sleep", "60"])]);
      await first.ready;
      await first.kill();
      for (const { pid } of await shimsOf("c")) process.kill(pid, "SIGKILL");
      const second = await place.open();
      assert.equal((await second.wait("c")).exitStatus, 137);
      await second.remove("c", { force: false });
      assert.deepEqual(await place.leftovers(["c"]), []);
      await second.close();
    });

    test("removes what nobody was told of", async () => {
      const first = startSupervisorProcess(place.options, [place.config("c", ["sleep", "60"])]);
      await first.ready;
      await first.kill();
      // As if it had been killed before Create was on record.
      rmSync(path.join(recordOf("c"), "state.json"));
      mkdirSync(recordOf("bare"));
      const second = await place.open();
      await until("it to be gone", () => (second.list().length === 0 ? true : undefined));
      assert.deepEqual(await place.leftovers(["c", "bare"]), []);
      await second.close();
    });

    test("does not open for another namespace than that of its containers", async () => {
      const first = startSupervisorProcess(place.options, [place.config("c", ["sleep", "60"])]);
      await first.ready;
      await first.kill();
      await assert.rejects(
        place.open({ namespace: "other" }),
        status(StatusCode.failedPrecondition, new RegExp(`container c .*namespace ${namespace}, not other`)),
      );
      const second = await place.open();
      await until("its shim to answer", () => (second.find("c").status.confirmed ? true : undefined));
      assert.equal(second.find("c").status.phase, "running");
      await second.remove("c", { force: true });
      assert.deepEqual(await place.leftovers(["c"]), []);
      await second.close();
    });

    test("removes what is left of a container without a record", async () => {
      const first = startSupervisorProcess(place.options, [place.config("c", ["sleep", "60"])]);
      await first.ready;
      await first.kill();
      rmSync(path.join(recordOf("c"), "container.json"));
      const second = await place.open();
      await until("it to be gone", () => (second.list().length === 0 ? true : undefined));
      assert.deepEqual(await place.leftovers(["c"]), []);
      await second.close();
    });

    test("lists a container as ended that a boot has ended", async () => {
      const first = startSupervisorProcess(place.options, [place.config("c", ["sleep", "60"])]);
      await first.ready;
      const pid = (await shimsOf("c"))[0]?.pid ?? 0;
      await first.kill();
      const before = await place.open();
      await before.stop("c", { graceMs: 1 });
      await until("its bundle to be gone", () =>
        existsSync(path.join(stateDir, "bundles", namespace, "c")) ? undefined : true,
      );
      await before.close();
      writeFileSync(path.join(recordOf("c"), "state.json"), JSON.stringify({ phase: "running", pid }));
      const second = await place.open();
      assert.equal((await second.wait("c")).exitStatus, 255);
      assert.deepEqual(second.find("c").status.ending, undefined);
      await second.remove("c", { force: false });
      assert.deepEqual(await place.leftovers(["c"]), []);
      await second.close();
    });

    test("lists a record that cannot be read with what is wrong with it, beside the others, and removes it", async () => {
      const first = await place.open();
      await first.create(place.config("good", ["true"]));
      await first.close();
      mkdirSync(recordOf("bad"));
      writeFileSync(path.join(recordOf("bad"), "container.json"), '{"id":"bad"}');
      const second = await place.open();
      const views = second.list();
      assert.deepEqual(views.map(({ config }) => config.id).sort(), ["bad", "good"]);
      assert.match(second.find("bad").status.problem ?? "", /bad\/container.json: the document must have/);
      for (const id of ["good", "bad"]) await second.remove(id, { force: true });
      assert.deepEqual(await place.leftovers(["good", "bad"]), []);
      await second.close();
    });
  });

  test(`${shim.name} that dies while its container runs is cleaned up after`, {
    skip: noContainers,
  }, async () => {
    const supervisor = await place.open();
    await supervisor.create(place.config("c", ["sleep", "60"]));
    await supervisor.start("c");
    for (const { pid } of await shimsOf("c")) process.kill(pid, "SIGKILL");
    assert.equal((await supervisor.wait("c")).exitStatus, 137);
    await supervisor.remove("c", { force: false });
    assert.deepEqual(await place.leftovers(["c"]), []);
    await supervisor.close();
  });
}
