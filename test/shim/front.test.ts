/** What containerd runs, which is a page of shell, beside the program that it calls. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { busyboxPath } from "../../lab/busybox-rootfs.ts";
import { until } from "../../lab/until.ts";
import { containerd, taskV2 } from "../../src/proto/index.ts";
import { DEFAULT_SOCKET_DIR, socketPath } from "../../src/shim/commands/socket-address.ts";
import { writeDeleted } from "../../src/shim/end-of-container.ts";
import { connect, createClient } from "../../src/ttrpc/index.ts";
import { isAlive } from "../oci/helpers.ts";
import { script, withTempDir } from "../support/files.ts";
import { installShim, makeBundle, programPath, runShim, shimPath } from "../support/shim-process.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const NAMESPACE = `ebb-front-${process.pid}`;
const ADDRESS = `/run/${NAMESPACE}.sock`;
const config = { ociVersion: "1.0.2", process: { args: ["true"] }, root: { path: "rootfs" } };
const record = { pid: 4_194_000, status: 3, at: new Date("2026-01-02T03:04:05.678Z") };

const flags = (id: string) => ["-namespace", NAMESPACE, "-address", ADDRESS, "-id", id];
const socketOf = (id: string) =>
  socketPath({ dir: DEFAULT_SOCKET_DIR, address: ADDRESS, namespace: NAMESPACE, group: id });

/** What may be /bin/sh, and the program by itself: each with the arguments that come first. */
const WAYS: [name: string, program: string | undefined, first: string[]][] = [
  ["the front", shimPath, []],
  ["the front, by bash", "/bin/bash", [shimPath]],
  ["the front, by busybox", busyboxPath(), ["sh", shimPath]],
  ["the program alone", programPath, []],
];

/** The pid of the shim that serves at an address, and what ends it. */
async function served(address: string, id: string) {
  const connection = await connect(address);
  const task = createClient(taskV2, connection);
  const { shimPid } = await task.connect({ id });
  const stop = async () => {
    await task.shutdown({ id });
    await connection.closed;
  };
  return { shimPid, stop };
}

const statusOf = (pid: number, field: string) =>
  new RegExp(`^${field}:\\s*(.*)$`, "m").exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";

describe("start by", () => {
  let bundle = "";
  before(() => {
    bundle = makeBundle(config);
  });
  after(() => fs.rmSync(bundle, { recursive: true }));

  for (const [name, program, first] of WAYS) {
    const why = program === undefined || !fs.existsSync(program) ? `needs ${name}` : skip;

    test(`${name} leaves a server with nothing of who called it`, { skip: why }, async () => {
      const id = "whole";
      const { status, stdout, stderr } = await runShim([...first, ...flags(id), "start"], {
        cwd: bundle,
        env: { MAX_SHIM_VERSION: "", EBB_TEST: "kept" },
        ...(program && { program }),
      });
      assert.deepEqual([status, stderr, stdout.toString()], [0, "", `unix://${socketOf(id)}`]);
      const { shimPid, stop } = await served(stdout.toString(), id);
      assert.equal(fs.readlinkSync(`/proc/${shimPid}/cwd`), bundle);
      // A session of its own, in which no signal of a terminal reaches it.
      const [, session] =
        /^\d+ \(.*\) . \d+ \d+ (\d+)/.exec(fs.readFileSync(`/proc/${shimPid}/stat`, "utf8")) ?? [];
      assert.equal(Number(session), shimPid);
      const ignored = Number.parseInt(statusOf(shimPid, "SigIgn").slice(-4), 16);
      assert.equal(ignored & 0b110, 0, "SIGINT or SIGQUIT is ignored");
      for (const fd of [0, 1, 2]) assert.equal(fs.readlinkSync(`/proc/${shimPid}/fd/${fd}`), "/dev/null");
      const pipes = fs
        .readdirSync(`/proc/${shimPid}/fd`)
        .map((fd) => fs.readlinkSync(`/proc/${shimPid}/fd/${fd}`))
        .filter((file) => file.startsWith("pipe:"));
      assert.deepEqual(pipes, []);
      const own = Number(fs.readFileSync("/proc/self/oom_score_adj", "utf8"));
      const score = Number(fs.readFileSync(`/proc/${shimPid}/oom_score_adj`, "utf8"));
      assert.equal(score, Math.min(1000, own + 1));
      await stop();
      assert.equal(fs.existsSync(socketOf(id)), false);
    });

    test(`${name} fails as the server does, and leaves nothing`, { skip: why }, async () => {
      const own = makeBundle(config);
      const args = [...first, ...flags("wrong"), "start"];
      const env = { EBB_EXIT_MS: "soon" };
      const outcome = await runShim(args, { cwd: own, env, ...(program && { program }) });
      assert.equal(outcome.status, 1);
      assert.equal(outcome.stdout.toString(), "");
      assert.match(outcome.stderr, /^containerd-shim-ebb(-v2)?: EBB_EXIT_MS .*\n$/);
      assert.equal(fs.existsSync(socketOf("wrong")), false);
      assert.deepEqual(fs.readdirSync(own), ["config.json"]);
      fs.rmSync(own, { recursive: true });
    });

    test(`${name} takes no heed of words behind it, and of stdin that is closed`, { skip: why }, async () => {
      const own = makeBundle(config);
      const words = [program ?? "", ...first, ...flags("words"), "start", "-debug", "1"];
      const { status, stdout, stderr } = await runShim(["-c", 'exec "$@" <&-', "sh", ...words], {
        cwd: own,
        env: { MAX_SHIM_VERSION: "" },
        program: "/bin/sh",
      });
      assert.deepEqual([status, stderr, stdout.toString()], [0, "", `unix://${socketOf("words")}`]);
      await (await served(stdout.toString(), "words")).stop();
      fs.rmSync(own, { recursive: true });
    });

    test(`${name} has the version told, whatever else it is asked`, { skip: why }, async () => {
      const outcome = await runShim([...first, "-v", "start"], { ...(program && { program }) });
      assert.equal(outcome.status, 0);
      assert.match(outcome.stdout.toString(), /Version: /);
    });

    for (const [signal, told] of [
      ["SIGKILL", /^containerd-shim-ebb(-v2)?: the server ended before it served\n$/],
      ["SIGTERM", /^containerd-shim-ebb(-v2)?: SIGTERM came before the server served\n$/],
    ] as const) {
      test(`${name} tells of a server that ${signal} has ended`, { skip: why }, async () => {
        const own = makeBundle(config);
        const front = spawn(program ?? "", [...first, ...flags("ended"), "start"], { cwd: own });
        let [stdout, stderr] = ["", ""];
        front.stdout.on("data", (chunk) => (stdout += chunk));
        front.stderr.on("data", (chunk) => (stderr += chunk));
        const [server = 0] = await until("a server", () => {
          const servers = serversIn(own, front.pid).filter((pid) => isInitialised(pid));
          return servers.length > 0 ? servers : undefined;
        });
        process.kill(server, signal);
        const [status] = await once(front, "close");
        assert.deepEqual([status, stdout], [1, ""]);
        assert.match(stderr, told);
        assert.deepEqual(fs.readdirSync(own), ["config.json"]);
        assert.equal(fs.existsSync(socketOf("ended")), false);
        fs.rmSync(own, { recursive: true });
      });
    }

    test(`${name} that is killed takes its server along`, { skip: why }, async () => {
      const own = makeBundle(config);
      const front = spawn(program ?? "", [...first, ...flags("killed"), "start"], {
        cwd: own,
        detached: true,
      });
      const servers = () => serversIn(own, front.pid);
      const [server = 0] = await until("a server", () => (servers().length > 0 ? servers() : undefined));
      // It reads what the daemon has to say, which has not ended.
      front.kill("SIGKILL");
      await once(front, "exit");
      front.stdin.end();
      await until("the end of the server", () => (isAlive(server) ? undefined : true));
      assert.equal(fs.existsSync(socketOf("killed")), false);
      assert.deepEqual(fs.readdirSync(own), ["config.json"]);
      fs.rmSync(own, { recursive: true });
    });
  }

  test("the front hands nothing of a shell's to what the shim starts", { skip }, async () => {
    await withTempDir(async (dir) => {
      const runc = script(dir, "runc", `env > ${dir}/env; exit 1`);
      const { stdout } = await runShim([...flags("env"), "start"], {
        cwd: bundle,
        env: { MAX_SHIM_VERSION: "", EBB_TEST: "kept", PWD: "/", OLDPWD: "/" },
      });
      const connection = await connect(stdout.toString());
      const task = createClient(taskV2, connection);
      const value = containerd.runc.v1.Options.encode({ binaryName: runc }).finish();
      const options = { typeUrl: "containerd.runc.v1.Options", value };
      await assert.rejects(task.create({ id: "env", bundle, options }), /create|runc/);
      const has = fs.readFileSync(path.join(dir, "env"), "utf8");
      assert.match(has, /^EBB_TEST=kept$/m);
      assert.doesNotMatch(has, /^(EBB_CALLED_AS|OLDPWD)=/m);
      await task.shutdown({ id: "env" });
      await connection.closed;
    });
  });
});

/** The servers whose bundle is a directory. */
function serversIn(bundle: string, front: number | undefined): number[] {
  const pids = fs.readdirSync("/proc").map(Number);
  return pids.filter((pid) => pid > 1 && pid !== front && isIn(pid, bundle));
}

/** Whether a server hears of signals. */
function isInitialised(pid: number): boolean {
  // SIGTERM is the 15th.
  return (Number.parseInt(statusOf(pid, "SigCgt").slice(-4), 16) & (1 << 14)) !== 0;
}

/** Whether a process has a directory as its working directory. */
function isIn(pid: number, directory: string): boolean {
  try {
    return (
      fs.readlinkSync(`/proc/${pid}/cwd`) === directory && fs.readlinkSync(`/proc/${pid}/exe`) === programPath
    );
  } catch {
    return false;
  }
}

describe("the program is found", () => {
  test("beside what a link in another directory leads to", async () => {
    await withTempDir(async (dir) => {
      const link = path.join(dir, "containerd-shim-runc-v2");
      fs.symlinkSync(shimPath, link);
      const { stdout } = await runShim(["-v"], { program: link });
      assert.match(stdout.toString(), /^containerd-shim-runc-v2:\n {2}Version: /);
    });
  });

  test("beside what a link leads to, and not beside the link", async () => {
    await withTempDir(async (dir) => {
      const link = path.join(dir, "containerd-shim-ebb-v2");
      fs.symlinkSync(shimPath, link);
      script(dir, "containerd-shim-ebb", "echo another version");
      const { stdout } = await runShim(["-v"], { program: link });
      assert.match(stdout.toString(), /^containerd-shim-ebb-v2:\n/);
    });
  });

  test("nowhere, which is told with what to do", async () => {
    await withTempDir(async (dir) => {
      const front = path.join(dir, "containerd-shim-ebb-v2");
      fs.copyFileSync(shimPath, front);
      const { status, stdout, stderr } = await runShim(["-v"], { program: front });
      assert.deepEqual([status, stdout.length], [1, 0]);
      const message = `containerd-shim-ebb-v2: there is no program ${dir}/containerd-shim-ebb: install it beside this file\n`;
      assert.equal(stderr, message);
    });
  });
});

describe("delete", () => {
  /** Where only a call of the program would be seen. */
  async function withFront(body: (front: string, wasCalled: () => boolean) => Promise<void>): Promise<void> {
    await withTempDir(async (dir) => {
      const front = installShim(dir);
      const calls = path.join(dir, "calls");
      fs.rmSync(path.join(dir, "containerd-shim-ebb"));
      script(dir, "containerd-shim-ebb", `echo "$@" >> ${calls}`);
      await body(front, () => fs.existsSync(calls));
    });
  }

  for (const [name, shell, first] of WAYS.slice(0, -1)) {
    const why = shell === undefined || !fs.existsSync(shell) ? `needs ${name}` : false;
    test(`of a container that is gone is answered by ${name}`, { skip: why }, async () => {
      await withFront(async (front, wasCalled) => {
        const bundle = makeBundle();
        writeDeleted(bundle, record);
        fs.writeFileSync(path.join(bundle, "address"), `unix://${bundle}/no-socket`);
        const args = [...flags("gone"), "-bundle", bundle, "delete"];
        const words = [...first, ...args].map((word) => (word === shimPath ? front : word));
        const program = shell === shimPath ? front : (shell ?? "");
        const { status, stdout, stderr } = await runShim(words, { cwd: bundle, program });
        assert.deepEqual([status, stderr], [0, ""]);
        const answer = containerd.task.v2.DeleteResponse.decode(stdout);
        assert.deepEqual([answer.pid, answer.exitStatus], [record.pid, record.status]);
        assert.equal(answer.exitedAt?.nanos, 678_000_000);
        assert.equal(wasCalled(), false);
        fs.rmSync(bundle, { recursive: true });
      });
    });
  }

  const unusual: [what: string, change: (bundle: string) => void, args?: string[]][] = [
    ["that is not said to be gone", (bundle) => fs.rmSync(path.join(bundle, "deleted"))],
    ["whose socket is there", (bundle) => fs.writeFileSync(path.join(bundle, "address"), `unix://${bundle}`)],
    ["of which something else is said", (bundle) => fs.writeFileSync(path.join(bundle, "deleted"), "%s\n")],
    ["of which digits are said", (bundle) => fs.writeFileSync(path.join(bundle, "deleted"), "777\n")],
    ["of which half is said", (bundle) => fs.writeFileSync(path.join(bundle, "deleted"), "\\0010\\777\n")],
    ["of which nothing is said", (bundle) => fs.writeFileSync(path.join(bundle, "deleted"), "")],
    ["without a bundle", () => {}, ["delete"]],
  ];
  for (const [what, change, args] of unusual) {
    test(`of a container ${what} is the program's`, async () => {
      await withFront(async (front, wasCalled) => {
        const bundle = makeBundle();
        writeDeleted(bundle, record);
        change(bundle);
        const words = args ?? ["-bundle", bundle, "delete"];
        const { stdout, stderr } = await runShim([...flags("gone"), ...words], {
          cwd: bundle,
          program: front,
        });
        assert.deepEqual([stdout.toString(), stderr], ["", ""]);
        assert.ok(wasCalled());
        fs.rmSync(bundle, { recursive: true });
      });
    });
  }

  test("does not tell of an earlier container in the bundle", { skip }, async () => {
    const bundle = makeBundle(config);
    writeDeleted(bundle, record);
    const env = { MAX_SHIM_VERSION: "" };
    const { stdout } = await runShim([...flags("later"), "start"], { cwd: bundle, env });
    const { shimPid } = await served(stdout.toString(), "later");
    process.kill(shimPid, "SIGKILL");
    await until("the end of the server", () => (isAlive(shimPid) ? undefined : true));
    const args = [...flags("later"), "-bundle", bundle, "delete"];
    const answer = await runShim(args, { cwd: bundle });
    assert.equal(containerd.task.v2.DeleteResponse.decode(answer.stdout).exitStatus, 137);
    assert.equal(fs.existsSync(socketOf("later")), false);
    fs.rmSync(bundle, { recursive: true });
  });

  test("by the program says the same", async () => {
    const bundle = makeBundle();
    writeDeleted(bundle, record);
    const args = [...flags("gone"), "-bundle", bundle, "delete"];
    const [front, alone] = await Promise.all(
      [shimPath, programPath].map((program) => runShim(args, { cwd: bundle, program })),
    );
    assert.ok((front?.stdout.length ?? 0) > 0);
    assert.deepEqual(front?.stdout, alone?.stdout);
    fs.rmSync(bundle, { recursive: true });
  });
});
