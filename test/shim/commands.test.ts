import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { RUNC_ROOT } from "../../src/oci/runc-root.ts";
import { containerd, google, runtimeoptions, taskV2 } from "../../src/proto/index.ts";
import { DEFAULT_SOCKET_DIR, socketPath } from "../../src/shim/commands/socket-address.ts";
import { writeDeleted } from "../../src/shim/end-of-container.ts";
import { connect, createClient } from "../../src/ttrpc/index.ts";
import { makeFifo } from "../support/files.ts";
import { installShim, makeBundle, runShim } from "../support/shim-process.ts";

const { BootstrapParams, BootstrapResult } = containerd.runtime.bootstrap.v1;
/** Sockets go below /run, and the OCI runtime is in the administrator's PATH. */
const skip = process.getuid?.() === 0 ? false : "needs root";
const address = `/run/ebb-test-${process.pid}/containerd.sock`;
const flags = (id: string) => ["-namespace", "ebb-test", "-address", address, "-id", id];
const config = { ociVersion: "1.0.2", process: { args: ["true"] }, root: { path: "rootfs" } };

/** What `start` must not leave: sockets, and files in the bundle other than its own config. */
const traces = (bundle: string) => [...fs.readdirSync(bundle), ...sockets()].sort();
/** Those that a start of here can have made; the directory is the whole host's. */
const sockets = () => ["b1", "c1"].map(socketOf).filter((socket) => fs.existsSync(socket));
const socketOf = (id: string) =>
  socketPath({ dir: DEFAULT_SOCKET_DIR, address, namespace: "ebb-test", group: id });

/** The bundle of a shim that was killed, and what its `start` had answered. */
async function deadShim(id: string) {
  const bundle = makeBundle(config);
  const { stdout } = await runShim([...flags(id), "start"], { cwd: bundle });
  const connection = await connect(stdout.toString());
  const { shimPid } = await createClient(taskV2, connection).connect({ id });
  process.kill(shimPid, "SIGKILL");
  await connection.closed;
  return { bundle, stdout };
}

async function stop(shim: string): Promise<void> {
  const connection = await connect(shim);
  await createClient(taskV2, connection).shutdown({ id: "any" });
  await connection.closed;
}

describe("the program's version and information", () => {
  for (const flag of ["-v", "--version", "-version"]) {
    test(`${flag} names the program and its version`, async () => {
      const { status, stdout } = await runShim([flag]);
      assert.equal(status, 0);
      assert.match(
        stdout.toString(),
        /^containerd-shim-ebb-v2:\n {2}Version: +\d+\.\d+\.\d+\n {2}Revision: /,
      );
    });
  }

  test("it goes by whatever name it was installed under", async () => {
    const dir = makeBundle();
    const program = installShim(dir, "containerd-shim-runc-v2");
    const { stdout } = await runShim(["-v"], { program });
    assert.match(stdout.toString(), /^containerd-shim-runc-v2:/);
    fs.rmSync(dir, { recursive: true });
  });

  test("-info tells the runtime's features, which the daemon needs for user namespaces", {
    skip,
  }, async () => {
    const { status, stdout, stderr } = await runShim(["-info"]);
    assert.equal(status, 0, stderr);
    const info = containerd.types.RuntimeInfo.decode(stdout);
    assert.equal(info.name, "io.containerd.ebb.v2");
    assert.match(info.version?.version ?? "", /^\d+\.\d+\.\d+$/);
    const type = "types.containerd.io/opencontainers/runtime-spec/1/features/Features";
    assert.equal(info.features?.typeUrl, type);
    const features = JSON.parse(Buffer.from(info.features?.value ?? []).toString());
    assert.ok(features.linux.namespaces.includes("user"), "no user namespaces in the features");
    // Types named in them would be kept from the daemon's mount manager, which knows more of them than a shim.
    assert.deepEqual(info.annotations, {});
  });

  test("-info hands back the options it was given and asks the binary they name", async () => {
    const value = containerd.runc.v1.Options.encode({ binaryName: "crun" }).finish();
    const stdin = google.protobuf.Any.encode({ typeUrl: "containerd.runc.v1.Options", value }).finish();
    const { status, stdout, stderr } = await runShim(["-info"], { stdin });
    assert.equal(status, 0, stderr);
    const info = containerd.types.RuntimeInfo.decode(stdout);
    assert.equal(
      containerd.runc.v1.Options.decode(info.options?.value ?? new Uint8Array()).binaryName,
      "crun",
    );
  });

  /** Each hands options that name a binary which is not there: the error shows that they were read. */
  const stdins: readonly [what: string, script: string][] = [
    ["a pipe that is written at once", 'cat "$1" | "$0" -info'],
    [
      "a pipe that is written late, and in pieces",
      '{ head -c 3 "$1"; sleep 0.3; tail -c +4 "$1"; } | "$0" -info',
    ],
    ["a file", '"$0" -info < "$1"'],
    [
      "a file that was read in part",
      '{ echo line; cat "$1"; } > "$1.2"; { read -r _; "$0" -info; } < "$1.2"',
    ],
    ["a pipe of another user", 'cat "$1" | setpriv --reuid 65534 --clear-groups "$0" -info'],
  ];
  for (const [what, script] of stdins) {
    test(`-info reads its options from ${what}`, { skip }, async () => {
      // Where another user may run it.
      const dir = fs.mkdtempSync("/tmp/ebb-stdin-");
      fs.chmodSync(dir, 0o755);
      const program = installShim(dir);
      const value = containerd.runc.v1.Options.encode({ binaryName: "no-such-runtime" }).finish();
      const file = path.join(dir, "options");
      fs.writeFileSync(
        file,
        google.protobuf.Any.encode({ typeUrl: "containerd.runc.v1.Options", value }).finish(),
      );
      const { status, stderr } = await runShim(["-c", script, program, file], { program: "/bin/sh" });
      fs.rmSync(dir, { recursive: true });
      assert.equal(status, 1);
      assert.match(stderr, /no-such-runtime/);
    });
  }

  test("-info of an OCI runtime that is not there says which", async () => {
    const value = containerd.runc.v1.Options.encode({ binaryName: "no-such-runtime" }).finish();
    const stdin = google.protobuf.Any.encode({ typeUrl: "containerd.runc.v1.Options", value }).finish();
    const { status, stderr } = await runShim(["-info"], { stdin });
    assert.equal(status, 1);
    assert.match(stderr, /no-such-runtime/);
  });
});

describe("start answers", () => {
  let bundle = "";
  before(() => {
    bundle = makeBundle(config);
  });
  after(() => fs.rmSync(bundle, { recursive: true }));

  test("the address as plain text where the daemon says no version", { skip }, async () => {
    const env = { MAX_SHIM_VERSION: "" };
    const { status, stdout, stderr } = await runShim([...flags("a1"), "start"], { cwd: bundle, env });
    assert.equal(stderr, "");
    assert.equal(status, 0);
    assert.match(stdout.toString(), /^unix:\/\/\/run\/containerd\/s\/[0-9a-f]{64}$/);
    assert.equal(fs.readFileSync(path.join(bundle, "address"), "utf8"), stdout.toString());
    await stop(stdout.toString());
  });

  test("JSON of the version that the daemon says it takes", { skip }, async () => {
    const env = { MAX_SHIM_VERSION: "2" };
    const { stdout, stderr } = await runShim([...flags("a2"), "start"], { cwd: bundle, env });
    const answer = JSON.parse(stdout.toString());
    assert.deepEqual({ ...answer, address: "" }, { version: 2, address: "", protocol: "ttrpc" }, stderr);
    await stop(answer.address);
  });

  test("a BootstrapResult where the daemon wrote BootstrapParams, with the socket where it asked", {
    skip,
  }, async () => {
    const socketDir = path.join(bundle, "s");
    const params = { instanceId: "a3", namespace: "ebb-test", containerdGrpcAddress: address, socketDir };
    const stdin = BootstrapParams.encode(params).finish();
    const { stdout, stderr } = await runShim([...flags("a3"), "start"], { cwd: bundle, stdin });
    assert.equal(stderr, "");
    const answer = BootstrapResult.decode(stdout);
    assert.equal(answer.version, 3);
    assert.equal(answer.protocol, "ttrpc");
    assert.ok(answer.address.startsWith(`unix://${socketDir}/`), answer.address);
    await stop(answer.address);
    assert.deepEqual(fs.readdirSync(socketDir), []);
  });

  test("in text where the Any with options could be read as BootstrapParams of somebody else", {
    skip,
  }, async () => {
    const stdin = google.protobuf.Any.encode({ typeUrl: "containerd.runc.v1.Options" }).finish();
    const { stdout, stderr } = await runShim([...flags("a4"), "start"], { cwd: bundle, stdin });
    assert.match(stdout.toString(), /^unix:\/\//, stderr);
    await stop(stdout.toString());
  });

  test("the living shim's address to the second container of a pod", { skip }, async () => {
    const pod = makeBundle({ ...config, annotations: { "io.kubernetes.cri.sandbox-id": "pod1" } });
    const first = await runShim([...flags("pod1"), "start"], { cwd: pod });
    const second = await runShim([...flags("app1"), "start"], { cwd: pod });
    assert.equal(first.stderr + second.stderr, "");
    assert.equal(second.stdout.toString(), first.stdout.toString());
    await stop(first.stdout.toString());
    fs.rmSync(pod, { recursive: true });
  });

  test("with a socket that only its owner can use, which is gone after Shutdown", { skip }, async () => {
    const { stdout } = await runShim([...flags("a5"), "start"], { cwd: bundle });
    const socket = stdout.toString().replace("unix://", "");
    assert.equal(fs.statSync(socket).mode & 0o777, 0o600);
    await stop(stdout.toString());
    assert.equal(fs.existsSync(socket), false);
  });

  test("and reads neither .env nor bunfig.toml from the bundle", { skip }, async () => {
    const dir = makeBundle(config);
    fs.writeFileSync(path.join(dir, ".env"), "MAX_SHIM_VERSION=2\n");
    fs.writeFileSync(path.join(dir, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
    fs.writeFileSync(path.join(dir, "evil.ts"), 'console.log("evil");\n');
    const { stdout, stderr } = await runShim([...flags("a6"), "start"], { cwd: dir });
    assert.match(stdout.toString(), /^unix:\/\/\/run\/containerd\/s\/[0-9a-f]{64}$/, stderr);
    await stop(stdout.toString());
    fs.rmSync(dir, { recursive: true });
  });
});

describe("bad input gets a clear error, exit status 1, and leaves nothing", () => {
  const start = (id: string) => [...flags(id), "start"];
  const long = BootstrapParams.encode({
    instanceId: "b1",
    namespace: "ebb-test",
    socketDir: `/run/${"d".repeat(80)}`,
  }).finish();
  const value = runtimeoptions.v1.Options.encode({ configBody: Buffer.from("= 1") }).finish();
  const options = google.protobuf.Any.encode({ typeUrl: "runtimeoptions.v1.Options", value }).finish();
  const rows: [
    string,
    string[],
    { config?: object | string; stdin?: Uint8Array; env?: Record<string, string> },
    RegExp,
  ][] = [
    ["an unknown flag", ["-nope", "start"], { config }, /unknown flag -nope/],
    ["an unknown command", [...flags("b1"), "stop"], { config }, /unknown command stop/],
    ["no namespace", ["-id", "b1", "start"], { config }, /-namespace is missing/],
    ["no id", ["-namespace", "n", "start"], { config }, /-id is missing/],
    ["an id with a slash", start("a/b"), { config }, /a\/b/],
    ["an id that climbs", start(".."), { config }, /"?\.\."?/],
    ["a namespace that climbs", ["-namespace", "../x", "-id", "b1", "start"], { config }, /\.\.\/x/],
    ["no config.json", start("b1"), {}, /config\.json/],
    ["a config.json that is no JSON", start("b1"), { config: "{ nope" }, /config\.json/],
    [
      "a config.json with a wrong type",
      start("b1"),
      { config: { annotations: 5 } },
      /config\.json.*\/annotations/,
    ],
    ["garbage on stdin", start("b1"), { config, stdin: Buffer.from("\x07garbage\xff\xfe") }, /stdin/],
    ["options that are no TOML", start("b1"), { config, stdin: options }, /the runtime's options: line 1/],
    ["a socket path too long", start("b1"), { config, stdin: long }, /socket path .* is \d+ bytes long/],
    ["a setting that is no number", start("b1"), { config, env: { EBB_EXIT_MS: "soon" } }, /EBB_EXIT_MS/],
    ["no command", flags("b1"), { config }, /the command is missing/],
  ];
  for (const [title, args, { config: content, stdin, env }, message] of rows) {
    test(title, async () => {
      const bundle = makeBundle(content);
      const before = traces(bundle);
      const outcome = await runShim(args, { cwd: bundle, ...(stdin && { stdin }), ...(env && { env }) });
      assert.match(outcome.stderr, message);
      assert.match(outcome.stderr, /^containerd-shim-ebb-v2: /);
      assert.equal(outcome.stdout.toString(), "");
      assert.equal(outcome.status, 1);
      assert.deepEqual(traces(bundle), before);
      fs.rmSync(bundle, { recursive: true });
    });
  }
});

describe("a configuration with mistakes", () => {
  const problems =
    "/runtime/release must be one of deferred, strict, volatile; /runtime/limits/mountMS is not known";
  let dir = "";
  let env: Record<string, string> = {};
  before(() => {
    dir = makeBundle();
    env = { EBB_CONFIG: path.join(dir, "host.json") };
    const runtime = { release: "lazy", limits: { mountMS: 1 } };
    fs.writeFileSync(path.join(dir, "host.json"), JSON.stringify({ version: 2, runtime }));
  });
  after(() => fs.rmSync(dir, { recursive: true }));

  test("is told by start, all of it, and in the bundle's log", async () => {
    const bundle = makeBundle(config);
    const log = path.join(bundle, "log");
    makeFifo(log);
    const reader = fs.openSync(log, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    const before = traces(bundle);
    const { status, stdout, stderr } = await runShim([...flags("c1"), "start"], { cwd: bundle, env });
    assert.equal(status, 1);
    assert.equal(stderr, `containerd-shim-ebb-v2: ${env.EBB_CONFIG}: ${problems}\n`);
    assert.equal(stdout.toString(), "");
    const lines = fs.readFileSync(reader, "utf8").trimEnd().split("\n");
    fs.closeSync(reader);
    assert.equal(lines.length, 1);
    const { time, ...line } = JSON.parse(lines[0] ?? "");
    assert.ok(Date.now() - Date.parse(time) >= 0);
    assert.deepEqual(line, {
      level: "error",
      "containerd.namespace": "ebb-test",
      "containerd.shim.id": "c1",
      "exception.message": `${env.EBB_CONFIG}: ${problems}`,
      msg: "the settings cannot be read",
    });
    assert.deepEqual(traces(bundle), before);
    fs.rmSync(bundle, { recursive: true });
  });

  test("does not keep delete from cleaning up, which says that it uses the defaults", async () => {
    const bundle = makeBundle();
    const args = [...flags("gone"), "-bundle", bundle, "delete"];
    const { status, stdout, stderr } = await runShim(args, { cwd: bundle, env });
    assert.equal(status, 0);
    assert.ok(stderr.startsWith(`${env.EBB_CONFIG}: ${problems}; the defaults are used\n`), stderr);
    assert.equal(containerd.task.v2.DeleteResponse.decode(stdout).exitStatus, 137);
    fs.rmSync(bundle, { recursive: true });
  });

  test("does not reach a server that serves already", { skip }, async () => {
    const bundle = makeBundle(config);
    const { stdout } = await runShim([...flags("c2"), "start"], { cwd: bundle });
    const again = await runShim([...flags("c2"), "start"], { cwd: bundle, env });
    assert.equal(again.status, 1);
    const connection = await connect(stdout.toString());
    const { shimPid } = await createClient(taskV2, connection).connect({ id: "c2" });
    assert.ok(shimPid > 1);
    await stop(stdout.toString());
    fs.rmSync(bundle, { recursive: true });
  });

  test("is nothing to -v and -info", { skip }, async () => {
    for (const flag of ["-v", "-info"]) {
      const { status, stderr } = await runShim([flag], { env });
      assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
    }
  });
});

test("a configuration that an older version wrote still serves", { skip }, async () => {
  const bundle = makeBundle(config);
  const file = path.join(bundle, "host.json");
  fs.writeFileSync(file, JSON.stringify({ version: 1, release: "deferred", limits: { shutdownMs: 500 } }));
  const args = [...flags("c3"), "start"];
  const { stdout, stderr } = await runShim(args, { cwd: bundle, env: { EBB_CONFIG: file } });
  assert.match(stdout.toString(), /^unix:/, stderr);
  await stop(stdout.toString());
  fs.rmSync(bundle, { recursive: true });
});

describe("delete", () => {
  test("of a bundle with nothing in it answers that the container was killed", async () => {
    const bundle = makeBundle();
    const { status, stdout } = await runShim([...flags("gone"), "-bundle", bundle, "delete"], {
      cwd: bundle,
    });
    assert.equal(status, 0);
    const answer = containerd.task.v2.DeleteResponse.decode(stdout);
    assert.equal(answer.exitStatus, 137);
    assert.equal(answer.pid, 0);
    assert.ok((answer.exitedAt?.seconds ?? 0) > 0);
    fs.rmSync(bundle, { recursive: true });
  });

  test("reports the exit that the shim wrote down before it died", async () => {
    const bundle = makeBundle();
    const record = { pid: 4_194_000, status: 3, exitedAt: "2026-01-02T03:04:05.678Z" };
    fs.writeFileSync(path.join(bundle, "exit.json"), JSON.stringify(record));
    const { stdout } = await runShim([...flags("gone"), "-bundle", bundle, "delete"], { cwd: bundle });
    const answer = containerd.task.v2.DeleteResponse.decode(stdout);
    assert.equal(answer.exitStatus, 3);
    assert.equal(answer.pid, 4_194_000);
    assert.equal(answer.exitedAt?.seconds, Date.parse(record.exitedAt) / 1000 - 0.678);
    assert.equal(answer.exitedAt?.nanos, 678_000_000);
    fs.rmSync(bundle, { recursive: true });
  });

  test("of a bundle with damaged files answers what the others say, and says which are damaged", async () => {
    const bundle = makeBundle();
    for (const name of ["exit.json", "options.json"]) fs.writeFileSync(path.join(bundle, name), "{");
    fs.writeFileSync(path.join(bundle, "init.pid"), "4194000");
    const run = () => runShim([...flags("gone"), "-bundle", bundle, "delete"], { cwd: bundle });
    const { stdout, stderr, status } = await run();
    assert.equal(status, 0);
    const { exitStatus, pid } = containerd.task.v2.DeleteResponse.decode(stdout);
    assert.deepEqual([exitStatus, pid], [137, 4_194_000]);
    assert.match(stderr, /exit\.json: .*\n.*options\.json: /);
    fs.writeFileSync(path.join(bundle, "init.pid"), "");
    assert.equal(containerd.task.v2.DeleteResponse.decode((await run()).stdout).exitStatus, 137);
    fs.rmSync(bundle, { recursive: true });
  });

  test("removes the socket of the dead shim", { skip }, async () => {
    const { bundle, stdout } = await deadShim("dead");
    await runShim([...flags("dead"), "-bundle", bundle, "delete"], { cwd: bundle });
    assert.equal(fs.existsSync(stdout.toString().replace("unix://", "")), false);
    fs.rmSync(bundle, { recursive: true });
  });

  test("of a bundle that the daemon removes meanwhile has nothing to say", async () => {
    const bundle = makeBundle();
    const args = [...flags("gone"), "-bundle", path.join(bundle, "removed"), "delete"];
    const { status, stdout, stderr } = await runShim(args, { cwd: bundle });
    assert.deepEqual([status, stderr], [0, ""]);
    assert.equal(containerd.task.v2.DeleteResponse.decode(stdout).exitStatus, 137);
    fs.rmSync(bundle, { recursive: true });
  });

  test("of a bundle that is gone removes a container that is not, where its state is in the usual place", {
    skip,
  }, async () => {
    const bundle = makeBundle();
    const state = path.join(RUNC_ROOT, "ebb-test", "gone");
    fs.mkdirSync(state, { recursive: true });
    const args = [...flags("gone"), "-bundle", path.join(bundle, "removed"), "delete"];
    const { status } = await runShim(args, { cwd: bundle });
    assert.equal(status, 0);
    assert.equal(fs.existsSync(state), false, "the OCI runtime was not asked to remove it");
    fs.rmSync(bundle, { recursive: true });
  });

  test("removes the socket also where nothing else is left", { skip }, async () => {
    const { bundle, stdout } = await deadShim("dead2");
    writeDeleted(bundle, { pid: 4_194_000, status: 3, at: new Date("2026-01-02T03:04:05.678Z") });
    const answer = await runShim([...flags("dead2"), "-bundle", bundle, "delete"], { cwd: bundle });
    assert.equal(containerd.task.v2.DeleteResponse.decode(answer.stdout).exitStatus, 3);
    assert.equal(fs.existsSync(stdout.toString().replace("unix://", "")), false);
    fs.rmSync(bundle, { recursive: true });
  });

  for (const [title, id, message] of [
    ["an id with a slash", "a/b", /a\/b/],
    ["an id that climbs", "..", /\.\./],
  ] as const) {
    test(`refuses ${title}`, async () => {
      const { status, stderr } = await runShim([...flags(id), "delete"]);
      assert.equal(status, 1);
      assert.match(stderr, message);
    });
  }
});
