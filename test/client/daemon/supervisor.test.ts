import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { StatusCode } from "../../../src/base/status.ts";
import { status } from "../../support/status.ts";
import { installedShims, makePlace, noContainers } from "../support.ts";
import { supervisorPlace } from "./supervisor-place.ts";

for (const shim of installedShims()) {
  const bench = makePlace(`ebb-test-sup-${shim.bootstrap ? "own" : "go"}`);
  const place = supervisorPlace(bench, shim.runtime);
  const output = (id: string) =>
    readFileSync(path.join(place.options.stateDir, "containers", id, "layer/output"), "utf8");

  describe(`a supervisor with ${shim.name}`, { skip: noContainers }, () => {
    test("runs a container, knows how it has ended, and removes it", async () => {
      const supervisor = await place.open();
      const made = await supervisor.create(place.config("c", ["sh", "-c", "echo hello; exit 7"]));
      assert.deepEqual([made.config.id, made.status.phase], ["c", "created"]);
      const pid = await supervisor.start("c");
      assert.equal(pid, made.status.pid);
      const ending = await supervisor.wait("c");
      assert.equal(ending.exitStatus, 7);
      const bundle = path.join(bench.stateDir, "bundles", bench.namespace, "c");
      await until("its bundle to be gone", () => (existsSync(bundle) ? undefined : true));
      assert.equal(output("c"), "hello\n");
      assert.deepEqual(supervisor.find("c").status.ending, ending);
      await supervisor.remove("c", { force: false });
      assert.deepEqual(supervisor.list(), []);
      assert.throws(() => supervisor.find("c"), status(StatusCode.notFound, /no container c/));
      assert.deepEqual(await place.leftovers(["c"]), []);
      await supervisor.close();
    });

    test("runs further processes in a container, and stops it", async () => {
      const supervisor = await place.open();
      await supervisor.create(place.config("c", ["sh", "-c", "trap 'exit 3' TERM; sleep 60 & wait"]));
      await supervisor.start("c");
      const stdio = {};
      const exec = (execId: string, args: string[]) =>
        supervisor.exec("c", { execId, args, env: ["A=5"], terminal: false, stdio });
      assert.ok((await exec("x", ["sh", "-c", "exit $A"])) > 1);
      assert.equal((await supervisor.wait("c", "x")).exitStatus, 5);
      await exec("y", ["sleep", "60"]);
      await supervisor.kill("c", 9, { execId: "y" });
      assert.equal((await supervisor.wait("c", "y")).exitStatus, 137);
      await until("both to be deleted", () =>
        supervisor.find("c").status.execs.length === 0 ? true : undefined,
      );
      assert.equal((await supervisor.wait("c", "x")).exitStatus, 5);
      await assert.rejects(exec("z", ["/missing"]), /missing/);
      await supervisor.pause("c");
      await until("the pause", () => (supervisor.find("c").status.phase === "paused" ? true : undefined));
      await supervisor.resume("c");
      assert.ok((await supervisor.stats("c")).value?.length);
      await assert.rejects(
        supervisor.remove("c", { force: false }),
        status(StatusCode.failedPrecondition, /stop it/),
      );
      assert.equal((await supervisor.stop("c", { graceMs: 10_000 })).exitStatus, 3);
      await supervisor.remove("c", { force: false });
      assert.deepEqual(await place.leftovers(["c"]), []);
      await supervisor.close();
    });

    test("kills what does not stop, and removes by force what runs", async () => {
      const supervisor = await place.open();
      for (const id of ["deaf", "busy"]) {
        await supervisor.create(place.config(id, ["sleep", "60"]));
        await supervisor.start(id);
      }
      assert.equal((await supervisor.stop("deaf", { graceMs: 1 })).exitStatus, 137);
      await supervisor.remove("deaf", { force: false });
      await supervisor.remove("busy", { force: true });
      assert.deepEqual(supervisor.list(), []);
      assert.deepEqual(await place.leftovers(["deaf", "busy"]), []);
      await supervisor.close();
    });

    test("removes by itself what is to go at its end", async () => {
      const supervisor = await place.open();
      await supervisor.create(place.config("c", ["sh", "-c", "exit 4"], { autoRemove: true }));
      const ending = supervisor.wait("c");
      await supervisor.start("c");
      assert.equal((await ending).exitStatus, 4);
      await until("it to be gone", () => (supervisor.list().length === 0 ? true : undefined));
      assert.equal((await supervisor.wait("c")).exitStatus, 4);
      assert.deepEqual(await place.leftovers(["c"]), []);
      await supervisor.close();
    });

    test("finds its containers again after it was closed, and learns what has ended meanwhile", async () => {
      const first = await place.open();
      await first.create(place.config("lives", ["sleep", "60"]));
      await first.create(place.config("ends", ["sh", "-c", "sleep 0.3; exit 9"]));
      await first.create(place.config("waits", ["true"]));
      const pid = await first.start("lives");
      await first.start("ends");
      await first.close();
      const second = await place.open();
      assert.deepEqual(
        second.list().map(({ config }) => config.id),
        ["lives", "ends", "waits"],
      );
      await until("the shims to answer", () =>
        second.list().every(({ status }) => status.confirmed) ? true : undefined,
      );
      assert.deepEqual(
        [second.find("lives").status.phase, second.find("lives").status.pid],
        ["running", pid],
      );
      assert.equal(second.find("waits").status.phase, "created");
      assert.equal((await second.wait("ends")).exitStatus, 9);
      for (const id of ["lives", "ends", "waits"]) await second.remove(id, { force: true });
      assert.deepEqual(await place.leftovers(["lives", "ends", "waits"]), []);
      await second.close();
    });
  });
}
