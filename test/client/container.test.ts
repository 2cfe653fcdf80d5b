import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { hasCode, StatusCode, StatusError } from "../../src/base/status.ts";
import {
  Container,
  type ContainerOptions,
  EventReceiver,
  runContainer,
  type Step,
} from "../../src/client/index.ts";
import { isRunning } from "../../src/client/process-state.ts";
import { findShimProcesses } from "../../src/client/shim-process.ts";
import { type InstalledShim, installedShims, makePlace, noContainers } from "./support.ts";

const place = makePlace("ebb-test-container");
let made = 0;

/** What a container printed, beside the options that make it print there. */
function printing(shim: InstalledShim, args: string[], more: Partial<ContainerOptions> = {}) {
  made += 1;
  const out = { stdout: "", stderr: "" };
  const options: ContainerOptions = {
    runtime: shim.runtime,
    namespace: place.namespace,
    id: `c${made}`,
    stateDir: place.stateDir,
    rootfs: { kind: "overlay", lower: place.rootfs },
    spec: { args },
    stdio: {
      stdout: (data) => {
        out.stdout += Buffer.from(data).toString();
      },
      stderr: (data) => {
        out.stderr += Buffer.from(data).toString();
      },
    },
    ...more,
  };
  return { options, out };
}

async function nothingLeft(options: ContainerOptions): Promise<void> {
  assert.deepEqual(await place.leftovers([options.id]), []);
}

const shims = installedShims();
test("a shim is installed to test against", { skip: shims.length === 0 && "no shim is installed" }, () => {});

for (const shim of shims) {
  describe(`a container by ${shim.name}`, () => {
    test("runs: its output and exit status come back, in steps, and nothing stays", {
      skip: noContainers,
    }, async () => {
      const steps: string[] = [];
      const onStep = (step: Step) => {
        if (step.state === "ended") steps.push(step.name);
      };
      const { options, out } = printing(shim, ["sh", "-c", "echo out; echo err >&2; exit 7"], { onStep });
      const result = await runContainer(options);
      assert.equal(result.exitStatus, 7);
      assert.ok(result.pid > 1);
      assert.ok(result.exitedAt instanceof Date && Math.abs(Date.now() - result.exitedAt.getTime()) < 60_000);
      assert.deepEqual(out, { stdout: "out\n", stderr: "err\n" });
      const order = ["prepare", "launch", "create", "start", "wait", "delete", "shutdown", "remove"];
      assert.deepEqual(steps, order);
      await nothingLeft(options);
    });

    test("sends its events in order", { skip: noContainers }, async () => {
      const { options } = printing(shim, ["true"]);
      const container = await Container.open(options);
      try {
        await container.start();
        await container.wait();
        await container.delete();
        const { events } = container;
        await events.waitFor((event) => event.type === "containerd.events.TaskDelete", 10_000, "delete");
        assert.deepEqual(
          events.received.map(({ topic }) => topic),
          ["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"],
        );
        const exit = events.received[2];
        assert.ok(exit?.type === "containerd.events.TaskExit");
        assert.equal(exit.event.containerId, options.id);
        assert.equal(exit.event.pid, container.pid);
        assert.equal(exit.namespace, place.namespace);
      } finally {
        await container.remove();
      }
      await nothingLeft(options);
    });

    test("gets stdin to its end", { skip: noContainers }, async () => {
      const stdin = (async function* () {
        yield Buffer.alloc(200_000, "a");
        yield Buffer.from("end");
      })();
      const { options, out } = printing(shim, ["wc", "-c"]);
      await runContainer({ ...options, stdio: { ...options.stdio, stdin } });
      assert.equal(out.stdout.trim(), "200003");
    });

    test("brings all of a large output to a sink that is slow", { skip: noContainers }, async () => {
      let bytes = 0;
      const { options } = printing(shim, ["head", "-c", "1000000", "/dev/zero"], {
        stdio: {
          stdout: async (data) => {
            await new Promise((resolve) => setTimeout(resolve, 2));
            bytes += data.length;
          },
        },
      });
      await runContainer(options);
      assert.equal(bytes, 1_000_000);
    });

    test("ends by a signal with 128 and its number", { skip: noContainers }, async () => {
      const { options } = printing(shim, ["sleep", "60"]);
      const result = await runContainer({ ...options, onStarted: (running) => running.kill(9) });
      assert.equal(result.exitStatus, 137);
      await nothingLeft(options);
    });

    test("has the environment, directory, host name and read-only root that were asked for", {
      skip: noContainers,
    }, async () => {
      const { options, out } = printing(shim, [
        "sh",
        "-c",
        'echo "$WORD $(pwd) $(hostname)"; touch /x 2>/dev/null || echo read-only',
      ]);
      const spec = { ...options.spec, env: ["WORD=hi"], cwd: "/tmp", hostname: "box", readOnly: true };
      await runContainer({ ...options, spec });
      assert.equal(out.stdout, "hi /tmp box\nread-only\n");
    });

    test("leaves an overlay's lower directory as it was", { skip: noContainers }, async () => {
      const { options } = printing(shim, ["sh", "-c", "echo x >/written; rm /etc/hosts"]);
      await runContainer(options);
      assert.equal(existsSync(path.join(place.rootfs, "written")), false);
      assert.ok(existsSync(path.join(place.rootfs, "etc/hosts")));
      await nothingLeft(options);
    });

    test("keeps an upper directory that was given", { skip: noContainers }, async () => {
      const { options } = printing(shim, ["sh", "-c", "echo kept >/written"]);
      const layer = path.join(path.dirname(place.stateDir), `layer-${options.id}`);
      const rootfs = {
        kind: "overlay",
        lower: place.rootfs,
        upper: path.join(layer, "upper"),
        work: path.join(layer, "work"),
      } as const;
      await runContainer({ ...options, rootfs });
      assert.equal(readFileSync(path.join(layer, "upper/written"), "utf8"), "kept\n");
      await nothingLeft(options);
    });

    test("runs on a bound directory", { skip: noContainers }, async () => {
      const { options, out } = printing(shim, ["cat", "/etc/marker"]);
      writeFileSync(path.join(place.rootfs, "etc/marker"), "bound\n");
      await runContainer({ ...options, rootfs: { kind: "bind", source: place.rootfs } });
      assert.equal(out.stdout, "bound\n");
      assert.ok(existsSync(path.join(place.rootfs, "bin/busybox")));
      await nothingLeft(options);
    });

    test("is told apart from one with the same id, which runs on", { skip: noContainers }, async () => {
      const { options } = printing(shim, ["sleep", "60"]);
      const container = await Container.open(options);
      await container.start();
      await assert.rejects(runContainer(options), (error: unknown) =>
        hasCode(error, StatusCode.alreadyExists),
      );
      const state = await container.shim.task.state({ id: options.id });
      assert.equal(state.pid, container.pid);
      await container.remove();
      await nothingLeft(options);
    });

    test("runs beside another", { skip: noContainers }, async () => {
      const runs = ["1", "2"].map((text) => printing(shim, ["sh", "-c", `sleep 0.1; echo ${text}`]));
      await Promise.all(runs.map(({ options }) => runContainer(options)));
      assert.deepEqual(
        runs.map(({ out }) => out.stdout),
        ["1\n", "2\n"],
      );
      for (const { options } of runs) await nothingLeft(options);
    });

    test("that cannot be created leaves nothing, and says why", { skip: noContainers }, async () => {
      const { options } = printing(shim, ["/no/such/program"]);
      await assert.rejects(runContainer(options), /no such file or directory/);
      await nothingLeft(options);
    });

    for (const when of ["launch", "create", "start", "wait", "delete", "shutdown"] as const) {
      test(`aborted as ${when} begins, is killed and leaves nothing`, { skip: noContainers }, async () => {
        const controller = new AbortController();
        const { options } = printing(shim, when === "wait" ? ["sleep", "60"] : ["true"], {
          signal: controller.signal,
          onStep: (step) => {
            const now = step.name === when && step.state === "begun";
            if (now) controller.abort(new StatusError(StatusCode.cancelled, "that is enough"));
          },
        });
        // A shutdown that is under way is the end anyway.
        if (when === "shutdown") await runContainer(options);
        else await assert.rejects(runContainer(options), /that is enough/);
        await nothingLeft(options);
      });
    }

    for (const ms of [1, 10, 20, 30]) {
      test(`aborted ${ms} ms into its creation is removed all the same`, { skip: noContainers }, async () => {
        const controller = new AbortController();
        const { options } = printing(shim, ["sleep", "60"], {
          signal: controller.signal,
          onStep: (step) => {
            if (step.name === "create" && step.state === "begun") {
              setTimeout(() => controller.abort(new StatusError(StatusCode.cancelled, "enough")), ms);
            }
          },
        });
        await assert.rejects(runContainer(options), /enough/);
        await nothingLeft(options);
      });
    }

    test("whose shim is killed, is killed as well and leaves nothing", { skip: noContainers }, async () => {
      const { options } = printing(shim, ["sleep", "60"]);
      const running = deferred<number>();
      const result = runContainer({ ...options, onStarted: ({ pid }) => running.resolve(pid) });
      result.catch(() => {});
      const pid = await running.promise;
      const [server] = await findShimProcesses({
        namespace: place.namespace,
        id: options.id,
        address: path.join(place.stateDir, "ebb.sock"),
      });
      assert.ok(server !== undefined);
      process.kill(server.pid, "SIGKILL");
      await assert.rejects(result, (error: unknown) => hasCode(error, StatusCode.unavailable));
      assert.equal(await isRunning(server), false);
      assert.equal(existsSync(`/proc/${pid}/root/bin/busybox`), false);
      await nothingLeft(options);
    });

    test("whose shim is stopped, is removed without it", { skip: noContainers }, async () => {
      const { options } = printing(shim, ["sleep", "60"]);
      const container = await Container.open(options);
      await container.start();
      const scope = { ...options, address: path.join(place.stateDir, "ebb.sock") };
      for (const { pid } of await findShimProcesses(scope)) process.kill(pid, "SIGSTOP");
      await container.remove();
      await nothingLeft(options);
    });

    test("shares its shim with others of its group, and leaves it to them", {
      skip: noContainers,
    }, async () => {
      const annotations = { "io.containerd.runc.v2.group": `group${made}` };
      const events = await EventReceiver.listen(path.join(path.dirname(place.stateDir), `events${made}`));
      const open = async () => {
        const { options } = printing(shim, ["sleep", "60"], { events });
        return {
          options,
          container: await Container.open({ ...options, spec: { ...options.spec, annotations } }),
        };
      };
      const first = await open();
      const second = await open();
      assert.equal(second.container.shim.answer.address, first.container.shim.answer.address);
      await first.container.remove();
      const { status } = await second.container.shim.task.state({ id: second.options.id });
      assert.equal(status, 1);
      await second.container.remove();
      await nothingLeft(first.options);
      await nothingLeft(second.options);
      const topics = (id: string) =>
        events.received.flatMap((event) =>
          event.type !== "unknown" && event.event.containerId === id ? [event.topic] : [],
        );
      for (const { options } of [first, second]) {
        assert.deepEqual(topics(options.id), ["/tasks/create", "/tasks/exit", "/tasks/delete"]);
      }
      await events.close();
    });

    test("is removed only once, however often that is asked for", { skip: noContainers }, async () => {
      const { options } = printing(shim, ["sleep", "60"]);
      const container = await Container.open(options);
      await Promise.all([container.remove(), container.remove()]);
      await container.remove();
      await nothingLeft(options);
    });

    if (shim.bootstrap) {
      test("runs with the parameters that a 2.3 daemon hands over", { skip: noContainers }, async () => {
        const socketDir = path.join(path.dirname(place.stateDir), `s-${made}`);
        mkdirSync(socketDir, { mode: 0o700 });
        const { options, out } = printing(shim, ["echo", "hello"], { bootstrap: "v2.3", socketDir });
        const container = await Container.open(options);
        assert.equal(container.shim.answer.version, 3);
        assert.ok(container.shim.socketPath?.startsWith(socketDir));
        await container.start();
        await container.wait();
        await container.delete();
        await container.remove();
        assert.equal(out.stdout, "hello\n");
        await nothingLeft(options);
      });
    }
  });
}

describe("a container without a shim", () => {
  const none = { name: "none", runtime: "io.containerd.none.v2", bootstrap: false };

  test("is an error that names the shim, and leaves nothing", { skip: noContainers }, async () => {
    const { options } = printing(none, ["true"]);
    await assert.rejects(runContainer(options), /containerd-shim-none-v2 .* is not in PATH/);
    await nothingLeft(options);
  });

  test("is an error that names a rootfs that is not there", { skip: noContainers }, async () => {
    const { options } = printing({ ...none, runtime: "/bin/true" }, ["true"], {
      rootfs: { kind: "overlay", lower: "/no/where" },
    });
    await assert.rejects(runContainer(options), /rootfs \/no\/where does not exist/);
    await nothingLeft(options);
  });

  test("is an error that names a path that an overlay cannot take", { skip: noContainers }, async () => {
    const { options } = printing({ ...none, runtime: "/bin/true" }, ["true"], {
      rootfs: { kind: "overlay", lower: place.rootfs, upper: "/a:b", work: "/w" },
    });
    await assert.rejects(runContainer(options), /\/a:b holds ":"/);
    await nothingLeft(options);
  });
});
