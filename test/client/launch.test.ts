import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, describe, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { hasCode, StatusCode, StatusError } from "../../src/base/status.ts";
import {
  deleteShim,
  type LaunchOptions,
  launchShim,
  shimInfo,
  shimVersion,
} from "../../src/client/launch.ts";
import { containerd, google, taskV2, taskV3 } from "../../src/proto/index.ts";
import { Server } from "../../src/ttrpc/index.ts";
import { script } from "../support/files.ts";
import { status } from "../support/status.ts";
import { openFiles, scratchDir } from "./support.ts";

const dir = scratchDir();
const socket = path.join(dir, "s");
const address = `unix://${socket}`;
const { BootstrapParams, BootstrapResult } = containerd.runtime.bootstrap.v1;
const options = { typeUrl: "containerd.runc.v1.Options", value: Buffer.from([1, 2, 3]) };

/** The server that the made-up shims below answer with. */
const server = new Server();
const listening = server
  .register(taskV2, { connect: async () => ({ version: "v2" }) })
  .register(taskV3, { connect: async () => ({ version: "v3" }) })
  .listen({ path: socket });
after(() => server.close());

let made = 0;

/** A shim of the given shell commands, which finds the directory of its call in $HERE, and how to call it. */
function shim(body: string, more: Partial<LaunchOptions> = {}): LaunchOptions {
  made += 1;
  const bundle = path.join(dir, `bundle${made}`);
  mkdirSync(bundle);
  return {
    binary: script(dir, `shim${made}`, `HERE=${bundle}\n${body}`),
    namespace: "ns",
    id: `c${made}`,
    bundle,
    address: "/run/daemon.sock",
    ttrpcAddress: "/run/daemon.sock.ttrpc",
    ...more,
  };
}

const file = (call: LaunchOptions, name: string) => readFileSync(path.join(call.bundle, name));

/** What a shell prints so that these bytes come out. */
function printing(bytes: Uint8Array): string {
  const escaped = [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  return `printf '${escaped}'`;
}

async function rejects(call: LaunchOptions, code: StatusCode, message: RegExp): Promise<void> {
  await listening;
  await assert.rejects(launchShim(call), (error: unknown) => {
    assert.ok(hasCode(error, code), String(error));
    assert.match(error.message, message);
    return true;
  });
  while (openFiles(call.bundle).length > 0) await new Promise((resolve) => setImmediate(resolve));
}

describe("launching a shim", () => {
  const recording = `printf '%s\\n' "$@" >$HERE/args; pwd >$HERE/cwd; env >$HERE/env; cat >$HERE/stdin; echo ${address}`;

  test("calls start in the bundle with the daemon's arguments and environment", async () => {
    await listening;
    const call = shim(recording, { debug: true, env: { EXTRA: "1", MAX_SHIM_VERSION: "3" } });
    const launched = await launchShim(call);
    await launched.close();
    assert.deepEqual(file(call, "args").toString().trim().split("\n"), [
      ...["-namespace", "ns", "-address", "/run/daemon.sock", "-publish-binary", process.execPath],
      ...["-id", call.id, "-debug", "start"],
    ]);
    assert.equal(file(call, "cwd").toString().trim(), call.bundle);
    const env = file(call, "env").toString().split("\n");
    for (const line of [
      "TTRPC_ADDRESS=/run/daemon.sock.ttrpc",
      "GRPC_ADDRESS=/run/daemon.sock",
      "NAMESPACE=ns",
      "EXTRA=1",
      "MAX_SHIM_VERSION=3",
    ]) {
      assert.ok(env.includes(line), line);
    }
    assert.equal(file(call, "stdin").length, 0);
  });

  test("hands the options over as an Any to a shim of before 2.3", async () => {
    await listening;
    const call = shim(recording, { options, bootstrap: "legacy" });
    await (await launchShim(call)).close();
    const any = google.protobuf.Any.decode(file(call, "stdin"));
    assert.equal(any.typeUrl, options.typeUrl);
    assert.deepEqual(Buffer.from(any.value), options.value);
  });

  test("hands parameters over to a shim of 2.3", async () => {
    await listening;
    const call = shim(recording, {
      options,
      bootstrap: "v2.3",
      socketDir: "/run/s",
      publishBinary: "/bin/d",
    });
    await (await launchShim(call)).close();
    const params = BootstrapParams.decode(file(call, "stdin"));
    assert.equal(params.instanceId, call.id);
    assert.equal(params.namespace, "ns");
    assert.equal(params.containerdTtrpcAddress, call.ttrpcAddress);
    assert.equal(params.containerdGrpcAddress, call.address);
    assert.equal(params.containerdBinary, "/bin/d");
    assert.equal(params.socketDir, "/run/s");
    assert.equal(params.extensions[0]?.value?.typeUrl, options.typeUrl);
  });

  const answers: [title: string, body: string, version: number][] = [
    ["text", `echo ${address}`, 2],
    ["text on stderr", `echo ${address} >&2`, 2],
    ["json", `echo '{"version":3,"address":"${address}","protocol":"ttrpc"}'`, 3],
    ["protobuf", printing(BootstrapResult.encode({ version: 3, address, protocol: "ttrpc" }).finish()), 3],
  ];
  for (const [title, body, version] of answers) {
    test(`connects to what a shim answers in ${title}, and speaks that version`, async () => {
      await listening;
      const call = shim(body);
      const launched = await launchShim(call);
      assert.equal(launched.socketPath, socket);
      assert.equal((await launched.task.connect({ id: call.id })).version, `v${version}`);
      await launched.close();
      while (openFiles(call.bundle).length > 0) await new Promise((resolve) => setImmediate(resolve));
    });
  }

  test("leaves the daemon's notes in the bundle", async () => {
    await listening;
    const call = shim(`echo ${address}`);
    await (await launchShim(call)).close();
    assert.equal(file(call, "shim-binary-path").toString(), call.binary);
    assert.equal(statSync(path.join(call.bundle, "shim-binary-path")).mode & 0o777, 0o600);
    const notes = JSON.parse(file(call, "bootstrap.json").toString());
    assert.deepEqual(notes, { version: 2, address, protocol: "ttrpc" });
  });

  test("reads the shim's log from before the start, line by line, to the end", async () => {
    await listening;
    const lines: string[] = [];
    const body = `exec 3>$HERE/log; echo first >&3; printf 'in ' >&3; sleep 0.05; printf 'pieces\\nlast' >&3; echo ${address}`;
    const launched = await launchShim(shim(body, { onLog: (line) => lines.push(line) }));
    await launched.close();
    assert.deepEqual(lines, ["first", "in pieces", "last"]);
  });

  test("goes on reading when the log was closed by its writer for a while", async () => {
    await listening;
    const lines: string[] = [];
    const second = deferred();
    const onLog = (line: string) => {
      lines.push(line);
      if (line === "second") second.resolve();
    };
    const call = shim(`echo first >$HERE/log; echo ${address}`, { onLog });
    const launched = await launchShim(call);
    writeFileSync(path.join(call.bundle, "log"), "second\n");
    await second.promise;
    await launched.close();
    assert.deepEqual(lines, ["first", "second"]);
  });
});

describe("a launch that fails", () => {
  const { invalidArgument, unknown, unavailable, deadlineExceeded, resourceExhausted } = StatusCode;
  const failures: [title: string, body: string, code: StatusCode, message: RegExp][] = [
    ["a shim that fails, with its words", "echo no runc >&2; exit 3", unknown, /exit status 3: no runc/],
    ["a shim that is killed", "kill -9 $$", unknown, /start failed, killed by SIGKILL/],
    ["an empty answer", "exit 0", invalidArgument, /^\/.*: start answered nothing/],
    ["a warning beside the address", `echo oops >&2; echo ${address}`, invalidArgument, /oops/],
    ["an answer without end", "exec cat /dev/zero", resourceExhausted, /more than 65536 bytes/],
    ["an address where nobody listens", "echo unix:///nowhere/s", unavailable, /\/nowhere\/s/],
  ];
  for (const [title, body, code, message] of failures) {
    test(`tells of ${title}`, () => rejects(shim(body), code, message));
  }

  test("tells of a shim that never answers, and kills it", () =>
    rejects(shim("exec sleep 60", { timeoutMs: 100 }), deadlineExceeded, /longer than 100 ms/));

  test("tells of a server that keeps the outputs it inherited", () =>
    rejects(shim(`sleep 2 & echo ${address}`, { timeoutMs: 200 }), deadlineExceeded, /holds its stdout/));

  test("tells of a shim that is not there", () =>
    rejects({ ...shim(""), binary: "/no/shim" }, StatusCode.notFound, /\/no\/shim/));

  test("ends on abort with the signal's reason", async () => {
    const controller = new AbortController();
    const call = shim("exec sleep 60", { signal: controller.signal });
    const launching = rejects(call, StatusCode.cancelled, /enough/);
    controller.abort(new StatusError(StatusCode.cancelled, "enough"));
    await launching;
  });

  for (const wrong of [{ id: "../x" }, { namespace: "" }]) {
    test(`refuses ${JSON.stringify(wrong)} before anything is run`, () =>
      rejects({ ...shim(`echo ${address}`), ...wrong }, invalidArgument, /is not allowed/));
  }
});

describe("a shim's delete", () => {
  const answer = containerd.task.v2.DeleteResponse.encode({
    pid: 42,
    exitStatus: 137,
    exitedAt: { seconds: 1_700_000_000, nanos: 250_000_000 },
  }).finish();

  test("names the bundle, and its answer is decoded", async () => {
    const call = shim(`printf '%s\\n' "$@" >$HERE/args; echo careful >&2; ${printing(answer)}`);
    assert.deepEqual(await deleteShim(call), {
      pid: 42,
      exitStatus: 137,
      exitedAt: new Date(1_700_000_000_250),
      warnings: "careful\n",
    });
    const args = file(call, "args").toString().trim().split("\n");
    assert.equal(args[args.indexOf("-bundle") + 1], call.bundle);
    assert.equal(args.at(-1), "delete");
  });

  test("that says nothing means that nothing is known", async () => {
    const { pid, exitStatus, exitedAt } = await deleteShim(shim("exit 0"));
    assert.deepEqual({ pid, exitStatus, exitedAt }, { pid: 0, exitStatus: 0, exitedAt: undefined });
  });

  test("that fails is an error with its words", async () => {
    await assert.rejects(deleteShim(shim("echo stuck >&2; exit 1")), /delete failed, exit status 1: stuck/);
  });

  test("that answers no message is an error", async () => {
    await assert.rejects(deleteShim(shim("printf '\\377\\377'")), /answered what cannot be decoded/);
  });

  for (const wrong of [{ id: "../x" }, { namespace: "" }]) {
    test(`is not called for ${JSON.stringify(wrong)}`, () =>
      assert.rejects(
        deleteShim({ ...shim("exit 0"), ...wrong }),
        status(StatusCode.invalidArgument, /is not allowed/),
      ));
  }

  test("is ended on abort", async () => {
    const aborted = AbortSignal.abort(new StatusError(StatusCode.cancelled, "enough"));
    await assert.rejects(deleteShim(shim("exec sleep 60"), aborted), /enough/);
  });
});

describe("what a shim says about itself", () => {
  test("is decoded, and depends on the options", async () => {
    const info = containerd.types.RuntimeInfo.encode({
      name: "io.containerd.test.v2",
      version: { version: "1.0" },
      annotations: { key: "value" },
    }).finish();
    const call = shim(`echo "$@" >$HERE/args; cat >$HERE/stdin; ${printing(info)}`);
    const { name, version, annotations } = await shimInfo(call.binary, options);
    assert.deepEqual(
      [name, version?.version, annotations],
      ["io.containerd.test.v2", "1.0", { key: "value" }],
    );
    assert.equal(file(call, "args").toString(), "-info\n");
    assert.equal(google.protobuf.Any.decode(file(call, "stdin")).typeUrl, options.typeUrl);
  });

  test("is an error for a shim that does not know the question", async () => {
    const { binary } = shim("echo 'flag provided but not defined: -info' >&2; exit 2");
    await assert.rejects(shimInfo(binary), /-info failed, exit status 2: flag provided/);
  });

  test("has its version in words", async () => {
    assert.equal(await shimVersion(shim('[ "$*" = -v ] && echo " shim 1.0 "').binary), "shim 1.0");
  });
});
