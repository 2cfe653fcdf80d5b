/** The calls against the OCI runtimes of this host, with real containers; needs root. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { startInit } from "../../src/oci/exec-fifo.ts";
import { parseFeatures } from "../../src/oci/features.ts";
import { readInitPid } from "../../src/oci/pid-file.ts";
import { Runc } from "../../src/oci/runc.ts";
import { withTempDir } from "../support/files.ts";
import { status } from "../support/status.ts";
import { isAlive, makeBusyboxBundle, noContainersReason, realBinary, until } from "./helpers.ts";

const stdio = ["ignore", "ignore", "ignore"] as const;

/** Ids are part of cgroup names, which a host has one set of. */
const id = `ebb-oci-${process.pid}`;

function withRuntime(
  runtime: string,
  body: (runc: Runc, bundle: string) => Promise<void>,
  args?: string[],
): Promise<void> {
  return withTempDir(async (dir) => {
    const bundle = makeBusyboxBundle(dir, args);
    const log = path.join(bundle, "log.json");
    const runc = new Runc({ binary: realBinary(dir, runtime), root: path.join(dir, "root"), log });
    try {
      await body(runc, bundle);
    } finally {
      await runc.delete(id, { force: true }).catch(() => {});
    }
  });
}

/** Gone, or a zombie that the host's init has yet to reap: crun takes such a one for running. */
const isGone = (pid: number) => !fs.existsSync(`/proc/${pid}`);

for (const runtime of ["runc", "crun"]) {
  describe(`with ${runtime}`, () => {
    const skip = noContainersReason(runtime);
    const direct = runtime === "runc";
    test("a container lives from create to delete", { skip }, async () => {
      await withRuntime(runtime, async (runc, bundle) => {
        await runc.create(id, { bundle, pidFile: path.join(bundle, "init.pid"), stdio });
        const pid = readInitPid(bundle) ?? 0;
        assert.ok(isAlive(pid));
        const created = await runc.state(id);
        assert.deepEqual(
          [created.id, created.status, created.pid, created.bundle],
          [id, "created", pid, bundle],
        );
        await runc.start(id);
        assert.equal((await runc.state(id)).status, "running");
        assert.deepEqual(await runc.ps(id), [pid]);
        assert.deepEqual(
          (await runc.list()).map((state) => state.id),
          [id],
        );
        await runc.pause(id);
        assert.equal((await runc.state(id)).status, "paused");
        await runc.resume(id);
        await runc.update(id, '{"pids":{"limit":50}}');
        await assert.rejects(
          runc.delete(id),
          status(StatusCode.failedPrecondition, /^OCI runtime delete failed: /),
        );
        await runc.kill(id, 9);
        await until(() => isGone(pid), "the end of the init");
        assert.equal((await runc.state(id)).status, "stopped");
        await assert.rejects(runc.kill(id, 9), status(StatusCode.notFound, /^OCI runtime kill failed: /));
        await runc.kill(id, 9, { all: true });
        await runc.delete(id);
        assert.deepEqual(await runc.list(), []);
      });
    });

    test("a container that was never started is deleted by force", { skip }, async () => {
      await withRuntime(runtime, async (runc, bundle) => {
        await runc.create(id, { bundle, pidFile: path.join(bundle, "init.pid"), stdio });
        await runc.delete(id, { force: true });
        assert.equal(isAlive(readInitPid(bundle) ?? 0), false);
        await runc.delete(id, { force: true });
      });
    });

    test("a container writes to the descriptors that create was given", { skip }, async () => {
      const body = async (runc: Runc, bundle: string) => {
        const out = path.join(bundle, "out");
        const fd = fs.openSync(out, "w");
        await runc.create(id, { bundle, stdio: ["ignore", fd, fd] });
        fs.closeSync(fd);
        assert.equal(fs.readFileSync(out, "utf8"), "");
        await runc.start(id);
        await until(() => fs.readFileSync(out, "utf8") === "hello\nproblem\n", "the container's output");
      };
      await withRuntime(runtime, body, ["sh", "-c", "echo hello; echo problem >&2"]);
    });

    test("a program that is not in the container is named, and no container is left", { skip }, async () => {
      const body = async (runc: Runc, bundle: string) => {
        const expected =
          /^OCI runtime create failed: .*executable file .?nosuchprogram.?.* not found in \$PATH|"nosuchprogram": executable file not found in \$PATH/;
        await assert.rejects(runc.create(id, { bundle, stdio }), status(StatusCode.unknown, expected));
        await assert.rejects(runc.state(id), status(StatusCode.notFound, new RegExp(id)));
      };
      await withRuntime(runtime, body, ["nosuchprogram"]);
    });

    test("a second create of one id is refused", { skip }, async () => {
      await withRuntime(runtime, async (runc, bundle) => {
        await runc.create(id, { bundle, stdio });
        await assert.rejects(
          runc.create(id, { bundle, stdio }),
          status(StatusCode.alreadyExists, /already exists/),
        );
      });
    });

    test("a second start is refused", { skip }, async () => {
      await withRuntime(runtime, async (runc, bundle) => {
        await runc.create(id, { bundle, stdio });
        await runc.start(id);
        await assert.rejects(
          runc.start(id),
          status(StatusCode.failedPrecondition, /^OCI runtime start failed: /),
        );
      });
    });

    test(`a start that may be made without the runtime is${direct ? "" : " not"}`, { skip }, async () => {
      await withRuntime(runtime, async (runc, bundle) => {
        await runc.create(id, { bundle, pidFile: path.join(bundle, "init.pid"), stdio });
        const pid = readInitPid(bundle) ?? 0;
        let called = false;
        const onSpawn = () => {
          called = true;
        };
        await runc.start(id, { waiting: { pid, ended: new Promise(() => {}) }, onSpawn });
        assert.equal(called, !direct);
        assert.equal((await runc.state(id)).status, "running");
        await assert.rejects(
          runc.start(id),
          status(StatusCode.failedPrecondition, /^OCI runtime start failed: /),
        );
        await runc.pause(id);
        await runc.resume(id);
        await runc.kill(id, 9);
        await until(() => isGone(pid), "the end of the init");
        await runc.delete(id);
      });
    });

    test("a start of an init that has ended says so", { skip }, async () => {
      await withRuntime(runtime, async (runc, bundle) => {
        await runc.create(id, { bundle, pidFile: path.join(bundle, "init.pid"), stdio });
        const pid = readInitPid(bundle) ?? 0;
        process.kill(pid, "SIGKILL");
        await until(() => isGone(pid), "the end of the init");
        const start = runc.start(id, { waiting: { pid, ended: Promise.resolve() } });
        await assert.rejects(start, /^StatusError: OCI runtime start failed: /);
      });
    });

    test(`an init ${direct ? "of it" : "of another runtime"} is known`, { skip }, async () => {
      await withRuntime(runtime, async (runc, bundle) => {
        const stateDirectory = path.join(path.dirname(bundle), "root", id);
        await runc.create(id, { bundle, pidFile: path.join(bundle, "init.pid"), stdio });
        const init = { pid: readInitPid(bundle) ?? 0, ended: new Promise(() => {}) };
        const callRuntime = () => runc.start(id);
        const went = await startInit({ stateDirectory, init, signal: undefined, callRuntime });
        assert.equal(went, direct);
        assert.equal((await runc.state(id)).status, "running");
      });
    });

    test("a bundle without a configuration is refused", { skip }, async () => {
      await withRuntime(runtime, async (runc, bundle) => {
        fs.rmSync(path.join(bundle, "config.json"));
        await assert.rejects(runc.create(id, { bundle, stdio }), status(StatusCode.unknown, /config\.json/));
      });
    });

    const calls: [name: string, call: (runc: Runc) => Promise<unknown>][] = [
      ["state", (runc) => runc.state(id)],
      ["start", (runc) => runc.start(id)],
      ["kill", (runc) => runc.kill(id, 15)],
      ["delete", (runc) => runc.delete(id)],
      ["ps", (runc) => runc.ps(id)],
      ["pause", (runc) => runc.pause(id)],
      ["resume", (runc) => runc.resume(id)],
      ["update", (runc) => runc.update(id, "{}")],
    ];
    for (const [name, call] of calls) {
      test(`${name} of a container that is not there is "not found"`, { skip }, async () => {
        await withRuntime(runtime, async (runc) => {
          await assert.rejects(
            call(runc),
            status(StatusCode.notFound, new RegExp(`^OCI runtime ${name} failed: .*${id}`)),
          );
        });
      });
    }

    test("the version is told", { skip }, async () => {
      await withRuntime(runtime, async (runc) => assert.equal((await runc.version()).name, runtime));
    });
  });
}

test("what runc can do is told", { skip: noContainersReason("runc") }, async () => {
  await withRuntime("runc", async (runc) => {
    const features = parseFeatures(await runc.features(), "runc features");
    assert.ok(features.hooks?.includes("prestart"));
  });
});

test("runc's stats are told", { skip: noContainersReason("runc") }, async () => {
  await withRuntime("runc", async (runc, bundle) => {
    await runc.create(id, { bundle, stdio });
    const { data } = await runc.stats(id);
    assert.ok("memory" in data);
  });
});
