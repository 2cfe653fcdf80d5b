import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import type { Logger } from "../../src/base/logger.ts";
import { StatusCode, StatusError } from "../../src/base/status.ts";
import { readPidFile } from "../../src/oci/pid-file.ts";
import { Runc, type RuncSettings } from "../../src/oci/runc.ts";
import { countFds, withTempDir } from "../support/files.ts";
import { status } from "../support/status.ts";
import { type FakeRunc, isAlive, makeFakeRunc, until } from "./helpers.ts";

/** Runs a body with a Runc that calls the fake runtime, and ends whatever containers it leaves. */
function withFake(
  commands: Readonly<Record<string, unknown>>,
  body: (runc: Runc, fake: FakeRunc, dir: string) => Promise<void>,
  settings: Partial<RuncSettings> = {},
): Promise<void> {
  return withTempDir(async (dir) => {
    const fake = makeFakeRunc(dir, commands);
    const { binary, root, log } = fake;
    const runc = new Runc({ binary, root, log, ...settings });
    try {
      await body(runc, fake, dir);
    } finally {
      const cleaner = new Runc({ binary, root });
      for (const id of fs.existsSync(root) ? fs.readdirSync(root) : []) {
        if (!id.startsWith(".")) await cleaner.delete(id, { force: true }).catch(() => {});
      }
    }
  });
}

/** What a container is to write to: not our pipes, which it would keep open. */
const stdio = ["ignore", "ignore", "ignore"] as const;

describe("a container's life", () => {
  test("goes from create to delete", async () => {
    await withFake({}, async (runc, _, dir) => {
      const pidFile = path.join(dir, "init.pid");
      await runc.create("c1", { bundle: dir, pidFile, stdio });
      const pid = readPidFile(pidFile) ?? 0;
      assert.ok(isAlive(pid));
      assert.equal((await runc.state("c1")).status, "created");
      await runc.start("c1");
      assert.deepEqual(await runc.ps("c1"), [pid]);
      await runc.pause("c1");
      assert.equal((await runc.state("c1")).status, "paused");
      await runc.resume("c1");
      await runc.update("c1", "{}");
      assert.deepEqual(
        (await runc.list()).map(({ id, status }) => [id, status]),
        [["c1", "running"]],
      );
      assert.deepEqual((await runc.stats("c1")).data, { pids: { current: 1 } });
      await runc.kill("c1", 9);
      await until(() => !isAlive(pid), "the end of the killed init");
      assert.deepEqual(await runc.ps("c1"), []);
      assert.equal((await runc.state("c1")).status, "stopped");
      await runc.delete("c1");
      await assert.rejects(
        runc.state("c1"),
        status(StatusCode.notFound, /container does not exist \(container c1\)$/),
      );
    });
  });

  test("leaves create when the container runs on with inherited descriptors", async () => {
    await withFake({}, async (runc, _, dir) => {
      // Captured on purpose: the init holds the pipes, and the call must end all the same.
      await runc.create("c1", { bundle: dir });
      assert.equal((await runc.state("c1")).status, "created");
    });
  });

  test("may write to descriptors of ours", async () => {
    await withFake(
      { create: { init: ["sh", "-c", "echo hello; echo problem >&2"] } },
      async (runc, _, dir) => {
        const out = path.join(dir, "out");
        const fd = fs.openSync(out, "w");
        await runc.create("c1", { bundle: dir, stdio: ["ignore", fd, fd] });
        fs.closeSync(fd);
        await runc.start("c1");
        await until(() => fs.readFileSync(out, "utf8") === "hello\nproblem\n", "the container's output");
      },
    );
  });

  test("may end before it is started", async () => {
    await withFake({ create: { dieAfterCreate: 3 } }, async (runc, _, dir) => {
      const pidFile = path.join(dir, "init.pid");
      await runc.create("c1", { bundle: dir, pidFile, stdio });
      await until(() => !isAlive(readPidFile(pidFile) ?? 0), "the end of the init");
      await assert.rejects(runc.start("c1"), status(StatusCode.failedPrecondition, /has stopped/));
      await assert.rejects(runc.kill("c1", 9), status(StatusCode.notFound, /container not running/));
      await runc.kill("c1", 9, { all: true });
      await runc.delete("c1");
    });
  });
});

describe("a failure carries a code and the runtime's words:", () => {
  test("a second create", async () => {
    await withFake({}, async (runc, _, dir) => {
      await runc.create("c1", { bundle: dir, stdio });
      const expected =
        /^OCI runtime create failed: runc create failed: container with given ID already exists$/;
      await assert.rejects(
        runc.create("c1", { bundle: dir, stdio }),
        status(StatusCode.alreadyExists, expected),
      );
    });
  });

  test("from the log, where stderr is the container's", async () => {
    const text = 'runc create failed: exec: "x": executable file not found in $PATH';
    await withFake({ create: { fail: text } }, async (runc, _, dir) => {
      const running = runc.create("c1", { bundle: dir, stdio });
      await assert.rejects(running, status(StatusCode.unknown, /executable file not found in \$PATH/));
    });
  });

  test("from stderr, where there is no log", async () => {
    await withFake(
      { state: { stderr: "container does not exist\n", exit: 1 } },
      async (runc) => {
        await assert.rejects(runc.state("c1"), status(StatusCode.notFound, /container does not exist/));
      },
      { log: "/nosuchdir/log.json" },
    );
  });

  test("not from what an earlier command logged", async () => {
    const commands = { start: { fail: "container does not exist" }, kill: { exit: 1 } };
    await withFake(commands, async (runc) => {
      await assert.rejects(runc.start("c1"), status(StatusCode.notFound, /does not exist/));
      const expected =
        /^OCI runtime kill failed: .*fake-runc ended with exit status 1 and said nothing \(container c1\)$/;
      await assert.rejects(runc.kill("c1", 9), status(StatusCode.unknown, expected));
    });
  });

  test("past garbage in the log", async () => {
    const log = [
      "garbage",
      '{"broken',
      { level: "error", msg: "the true reason" },
      "more garbage",
      { level: "info" },
    ];
    await withFake({ create: { log, exit: 1 } }, async (runc, _, dir) => {
      const running = runc.create("c1", { bundle: dir, stdio });
      await assert.rejects(
        running,
        status(StatusCode.unknown, /^OCI runtime create failed: the true reason/),
      );
    });
  });

  test("of a runtime that a signal ended", async () => {
    await withFake({ start: { killSelf: "SIGSEGV" } }, async (runc) => {
      await assert.rejects(
        runc.start("c1"),
        status(StatusCode.unknown, /ended with SIGSEGV and said nothing/),
      );
    });
  });

  test("of one that floods stderr, cut short", async () => {
    await withFake({ start: { floodStderr: 6_000_000, exit: 1 } }, async (runc) => {
      const expected = (thrown: unknown) => thrown instanceof StatusError && thrown.message.length < 5_000;
      await assert.rejects(runc.start("c1"), expected);
    });
  });

  test("of one that prints what is no state", async () => {
    await withFake({ state: { stdout: "a table\n", exit: 0 } }, async (runc) => {
      const expected = /fake-runc state c1: the document is not JSON$/;
      await assert.rejects(runc.state("c1"), status(StatusCode.internal, expected));
    });
  });

  test("of one that prints more than any state has", async () => {
    await withFake({ state: { floodStdout: 6_000_000, exit: 0 } }, async (runc) => {
      const expected = /^OCI runtime state failed: .*state c1 printed too much to be read$/;
      await assert.rejects(runc.state("c1"), status(StatusCode.internal, expected));
    });
  });

  test("of one that has no such command", async () => {
    await withFake({ features: { stderr: "unknown command features\n", exit: 1 } }, async (runc) => {
      await assert.rejects(runc.features(), status(StatusCode.unimplemented, /unknown command features/));
    });
  });

  test("of one that is not installed", async () => {
    const runc = new Runc({ binary: "nosuchrunc" });
    const expected =
      /^nosuchrunc not found in PATH=.*: install it, or set binary_name in the runtime's options$/;
    await assert.rejects(runc.state("c1"), status(StatusCode.failedPrecondition, expected));
  });

  test("of an id that is refused, before anything runs", async () => {
    await withFake({}, async (runc, fake) => {
      await assert.rejects(runc.state("../c1"), status(StatusCode.invalidArgument, /^id "\.\.\/c1"/));
      assert.deepEqual(fake.calls(), []);
    });
  });
});

describe("a command that takes too long", () => {
  const commands: [name: string, call: (runc: Runc) => Promise<unknown>][] = [
    ["create", (runc) => runc.create("c1", { bundle: "/", stdio })],
    ["start", (runc) => runc.start("c1")],
    ["kill", (runc) => runc.kill("c1", 9)],
    ["delete", (runc) => runc.delete("c1", { force: true })],
    ["state", (runc) => runc.state("c1")],
  ];
  for (const [name, call] of commands) {
    test(`is killed at its own limit: ${name}`, async () => {
      const timeouts = { [name]: 30 };
      const body = async (runc: Runc) => {
        const expected = new RegExp(
          `^OCI runtime ${name} failed: .*fake-runc took longer than 30 ms \\(container c1\\)$`,
        );
        await assert.rejects(call(runc), status(StatusCode.deadlineExceeded, expected));
      };
      await withFake({ "*": { hang: true, ignoreTerm: true } }, body, { timeouts });
    });
  }

  test("holds up no other", async () => {
    await withFake({ start: { hang: true } }, async (runc, _, dir) => {
      await runc.create("c1", { bundle: dir, stdio });
      const controller = new AbortController();
      let ended = false;
      const starting = runc.start("c1", { signal: controller.signal }).finally(() => (ended = true));
      starting.catch(() => {});
      assert.equal((await runc.state("c1")).status, "created");
      assert.equal(ended, false);
      controller.abort(new StatusError(StatusCode.cancelled, "no longer wanted"));
      await assert.rejects(starting, status(StatusCode.cancelled, /^no longer wanted$/));
    });
  });

  test("but ends in time is a success", async () => {
    await withFake({ version: { sleepMs: 50 } }, async (runc) => {
      assert.equal((await runc.version()).name, "fake-runc");
    });
  });
});

describe("the runtime is given", () => {
  test("the global options before the command", async () => {
    const settings = { systemdCgroup: true, debug: true };
    await withFake(
      {},
      async (runc, { root, log, calls }, dir) => {
        await runc.create("c1", { bundle: dir, noPivot: true, stdio });
        const global = ["--root", root, "--log", log, "--log-format", "json", "--debug", "--systemd-cgroup"];
        assert.deepEqual(calls()[0]?.argv, [...global, "create", "--bundle", dir, "--no-pivot", "c1"]);
      },
      settings,
    );
  });

  test("no variables by which it would take systemd's descriptors or socket", async () => {
    const variables = {
      NOTIFY_SOCKET: "/s",
      LISTEN_FDS: "1",
      LISTEN_PID: "1",
      LISTEN_FDNAMES: "x",
      EBB_TEST_KEPT: "y",
    };
    Object.assign(process.env, variables);
    try {
      await withFake({}, async (runc, { calls }) => {
        await runc.version();
        const env = calls()[0]?.env ?? {};
        const kept = Object.keys(variables).filter((name) => name in env);
        assert.deepEqual(kept, ["EBB_TEST_KEPT"]);
      });
    } finally {
      for (const name of Object.keys(variables)) delete process.env[name];
    }
  });

  test("stdin, stdout and stderr, and no other descriptor", async () => {
    await withFake({}, async (runc, { calls }, dir) => {
      const secret = path.join(dir, "secret");
      const fd = fs.openSync(secret, "w");
      await runc.create("c1", { bundle: dir, stdio: ["ignore", fd, fd] });
      fs.closeSync(fd);
      const fds = Object.entries(calls()[0]?.fds ?? {});
      assert.deepEqual(
        fds.filter(([, target]) => target === secret).map(([number]) => number),
        ["1", "2"],
      );
      assert.equal(calls()[0]?.fds["0"], "/dev/null");
    });
  });

  test("resources on its stdin", async () => {
    await withFake({}, async (runc, { calls }, dir) => {
      await runc.create("c1", { bundle: dir, stdio });
      await runc.update("c1", '{"pids":{"limit":5}}');
      assert.deepEqual(calls()[1]?.argv.slice(-4), ["update", "--resources", "-", "c1"]);
      assert.match(calls()[1]?.fds["0"] ?? "", /\/\.input\.\d+\.tmp \(deleted\)$/);
      assert.deepEqual(
        fs.readdirSync(dir).filter((name) => name.startsWith(".input")),
        [],
      );
    });
  });
});

test("the pid of the runtime is told to the caller", async () => {
  await withFake({}, async (runc, { calls }) => {
    const pids: number[] = [];
    await runc.list({ onSpawn: (pid) => pids.push(pid) });
    assert.deepEqual(pids, [calls()[0]?.pid]);
  });
});

test("each call is one debug line with its facts", async () => {
  const lines: unknown[] = [];
  const ignore = () => {};
  const logger: Logger = {
    debug: (message, fields) =>
      lines.push([message, fields?.id, fields?.exitCode, typeof fields?.durationMs]),
    info: ignore,
    warn: ignore,
    error: ignore,
    child: () => logger,
  };
  await withFake(
    { start: { exit: 4 } },
    async (runc) => {
      await runc.version();
      await runc.start("c1").catch(ignore);
    },
    { logger },
  );
  assert.deepEqual(lines, [
    ["OCI runtime version", undefined, 0, "number"],
    ["OCI runtime start", "c1", 4, "number"],
  ]);
});

test("the exit code of what is run in the foreground is a result", async () => {
  await withFake(
    { run: { exit: 42 }, exec: [{ exit: 7 }, { fail: "exec failed: no" }] },
    async (runc, _, dir) => {
      assert.equal((await runc.run("c1", { bundle: dir })).exitCode, 42);
      assert.equal((await runc.exec("c1", { process: "/p.json" })).exitCode, 7);
      const detached = runc.exec("c1", { process: "/p.json", detach: true });
      await assert.rejects(detached, status(StatusCode.unknown, /^OCI runtime exec failed: exec failed: no/));
    },
  );
});

test("criu's commands reach the runtime", async () => {
  await withFake({ "*": { exit: 0 } }, async (runc, { calls }, dir) => {
    await runc.checkpoint("c1", { imagePath: "/i", leaveRunning: true });
    await runc.restore("c1", { bundle: dir, imagePath: "/i", detach: true, stdio });
    const commands = calls().map(({ argv }) => argv.slice(6).join(" "));
    const [checkpoint, restore] = [
      `checkpoint --image-path /i --leave-running c1`,
      `restore --bundle ${dir} --image-path /i --detach c1`,
    ];
    assert.deepEqual(commands, [checkpoint, restore]);
  });
});

test("many calls leave no descriptor open", async () => {
  await withFake({ kill: { fail: "container not running" } }, async (runc) => {
    const round = () => Promise.all([runc.version(), runc.kill("c1", 9).catch(() => {}), runc.list()]);
    await round();
    const before = countFds();
    for (let i = 0; i < 3; i += 1) await round();
    await until(() => countFds() <= before, "the number of descriptors from before");
  });
});
