/** Shims that stand by for the next container, by the executable itself and real containers. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { containerd, taskV2 } from "../../../src/proto/index.ts";
import { takeStandby } from "../../../src/shim/standby/take.ts";
import { connect, createClient } from "../../../src/ttrpc/index.ts";
import { isAlive } from "../../oci/helpers.ts";
import { hierarchy } from "../../support/hierarchy.ts";
import { shimPath } from "../../support/shim-process.ts";
import { type CreateOptions, NAMESPACE, noContainers, Workshop } from "../harness.ts";

const shop = new Workshop();
const skip = noContainers;

/** Where servers stand by. It is made by the first of them, so that `start` asks for one from the second on. */
const FOLDER = "/run/containerd/s/standby";

/** The environment of shims that stand by; one test's are of another kind than any other's. */
const standingBy = (kind: string, more: Record<string, string> = {}) => ({
  EBB_STANDBY_AT_ONCE: "2",
  EBB_TEST_KIND: kind,
  ...more,
});

/** A container from its creation to the end of its shim, whose pid it returns. */
async function life(id: string, env: Record<string, string>, options: CreateOptions = {}): Promise<number> {
  const made = await begun(id, env, options);
  await made.end();
  return made.shimPid;
}

/** A container that runs, and what ends it and its shim. */
async function begun(id: string, env: Record<string, string>, options: CreateOptions = {}) {
  const { task, shim, bundle } = await shop.create(id, options, env);
  const { shimPid } = await task.connect({ id });
  await task.start({ id });
  const end = async () => {
    // A program that was given ends by itself.
    if (options.args === undefined) await task.kill({ id, signal: 9 });
    await task.wait({ id });
    await task.delete({ id });
    await task.shutdown({ id });
    await shim.connection.closed;
    await shim.close();
    assert.equal(fs.existsSync(shim.socketPath ?? ""), false);
    assert.deepEqual(shop.traces(bundle), []);
  };
  return { shimPid, shim, bundle, task, end };
}

const wordsOf = (pid: number) =>
  fs
    .readFileSync(`/proc/${pid}/cmdline`, "utf8")
    .split("\0")
    .map((word) => word.trimEnd());

const wordAfter = (pid: number, flag: string) => wordsOf(pid)[wordsOf(pid).indexOf(flag) + 1];

const openFiles = (pid: number) => fs.readdirSync(`/proc/${pid}/fd`).length;

/** The folder and name of where a server stands by, once it does. */
function placeOf(pid: number): Promise<{ readonly folder: string; readonly socket: string }> {
  return until(`shim ${pid} to stand by`, () => {
    for (const kind of fs.readdirSync(FOLDER)) {
      const socket = path.join(FOLDER, kind, String(pid));
      if (fs.existsSync(`${socket}.orders`)) return { folder: path.dirname(socket), socket };
    }
    return undefined;
  });
}

const ended = (pid: number) => until(`the end of ${pid}`, () => (isAlive(pid) ? undefined : true));

before(async () => {
  if (skip === false) await ended(await life("sb-first", standingBy("first", { EBB_STANDBY_MS: "1" })));
});

describe("a shim that stands by", () => {
  test("serves the next container as a shim of its own would", { skip }, async () => {
    const env = standingBy("next");
    const first = await life("sb-a", env, { args: ["sh", "-c", "exit 3"] });
    const { socket } = await placeOf(first);
    assert.equal(fs.statSync(socket).mode & 0o777, 0o600);
    assert.equal(fs.statSync(`${socket}.orders`).mode & 0o777, 0o600);
    assert.equal(fs.statSync(FOLDER).mode & 0o777, 0o700);
    assert.ok(!wordsOf(first).some((word) => word.includes("sb-a")), wordsOf(first).join(" "));
    assert.ok(wordsOf(first).includes("standby"));
    assert.equal(fs.readlinkSync(`/proc/${first}/cwd`), "/");

    const second = await begun("sb-longer-than-the-first", env, { debug: true });
    assert.equal(second.shimPid, first);
    assert.equal(wordAfter(first, "-id"), "sb-longer-than-the-first");
    assert.equal(wordAfter(first, "-namespace"), NAMESPACE);
    assert.equal(fs.readlinkSync(`/proc/${first}/cwd`), second.bundle.path);
    assert.equal(fs.existsSync(socket), false);
    await second.end();
    assert.deepEqual(shop.history("sb-a"), [
      "/tasks/create",
      "/tasks/start",
      "/tasks/exit 3",
      "/tasks/delete 3",
    ]);
    assert.deepEqual(shop.history("sb-longer-than-the-first"), [
      "/tasks/create",
      "/tasks/start",
      "/tasks/exit 137",
      "/tasks/delete 137",
    ]);
    const lines = shop.log("sb-longer-than-the-first");
    assert.ok(lines.length > 0);
    for (const line of lines) assert.equal(line["containerd.shim.id"], "sb-longer-than-the-first");
    process.kill(first, "SIGKILL");
  });

  test("is no larger and has no more open after many containers", { skip }, async () => {
    const env = standingBy("many");
    const first = await life("sb-n0", env);
    await placeOf(first);
    const open = openFiles(first);
    for (let n = 1; n <= 8; n += 1) {
      assert.equal(await life(`sb-n${n}`, env), first);
      await placeOf(first);
      assert.equal(openFiles(first), open);
    }
    assert.equal(fs.readFileSync(`/proc/${first}/task/${first}/children`, "utf8"), "");
    process.kill(first, "SIGKILL");
  });

  test("serves a pod, and its containers share it", { skip }, async () => {
    const env = standingBy("pod");
    const first = await life("sb-before-pod", env);
    await placeOf(first);
    const annotations = { "io.kubernetes.cri.sandbox-id": "sb-pod" };
    const sandbox = await begun("sb-pod", env, { annotations });
    const other = await shop.create("sb-in-pod", { annotations }, env);
    assert.deepEqual([sandbox.shimPid, (await other.task.connect({ id: "" })).shimPid], [first, first]);
    await other.task.delete({ id: "sb-in-pod" }).catch(() => {});
    await other.shim.close();
    await sandbox.end();
    await placeOf(first);
    process.kill(first, "SIGKILL");
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`ends by ${signal}, and its place is empty`, { skip }, async () => {
      const pid = await life(`sb-${signal.toLowerCase()}`, standingBy(signal));
      const { folder } = await placeOf(pid);
      process.kill(pid, signal);
      await ended(pid);
      assert.equal(fs.existsSync(folder), false);
    });
  }

  test("ends when nobody needs it for as long as the settings say", { skip }, async () => {
    const pid = await life("sb-unused", standingBy("unused", { EBB_STANDBY_MS: "300" }));
    const { folder } = await placeOf(pid);
    await ended(pid);
    assert.equal(fs.existsSync(folder), false);
  });

  test("that is killed leaves the next container one that is launched", { skip }, async () => {
    const env = standingBy("killed");
    const first = await life("sb-k1", env);
    const { folder, socket } = await placeOf(first);
    process.kill(first, "SIGKILL");
    await ended(first);
    assert.ok(fs.existsSync(socket));
    const second = await life("sb-k2", env);
    assert.notEqual(second, first);
    await placeOf(second);
    assert.deepEqual(fs.readdirSync(folder).sort(), [String(second), `${second}.orders`]);
    process.kill(second, "SIGKILL");
  });

  test("that is told garbage ends, and the next container has one that is launched", { skip }, async () => {
    const env = standingBy("garbage");
    const first = await life("sb-g1", env);
    const { socket } = await placeOf(first);
    fs.writeFileSync(`${socket}.orders`, "\0garbage\n");
    await ended(first);
    const second = await life("sb-g2", env);
    assert.notEqual(second, first);
    await placeOf(second);
    process.kill(second, "SIGKILL");
  });

  test("that was taken, and not told for whom, ends by itself", { skip }, async () => {
    const pid = await life("sb-taken", standingBy("taken"));
    const { folder } = await placeOf(pid);
    const group = path.join(FOLDER, `taken-${pid}`);
    assert.ok(takeStandby(folder, group, Buffer.from("not sent")) !== undefined);
    const connection = await connect(`unix://${group}`);
    const call = createClient(taskV2, connection).state({ id: "x" });
    await assert.rejects(call, /connection/);
    await ended(pid);
    fs.rmSync(group);
  });

  test("ends when its daemon has", { skip }, async () => {
    const bundle = await shop.bundle("sb-daemon", ["true"]);
    const env = { ...process.env, ...standingBy("daemon") };
    const flags = ["-namespace", NAMESPACE, "-id", "sb-daemon", "-address", "/sb.sock"];
    const daemon = spawn("sh", ["-c", '"$0" "$@" start </dev/null; read end', shimPath, ...flags], {
      cwd: bundle.path,
      env,
    });
    const address = await firstText(daemon);
    const connection = await connect(address);
    const task = createClient(taskV2, connection);
    const { shimPid } = await task.connect({ id: "" });
    await task.shutdown({ id: "" });
    await connection.closed;
    await placeOf(shimPid);
    daemon.kill("SIGKILL");
    await ended(shimPid);
  });
});

function firstText(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.stdout?.once("data", (chunk: Buffer) => resolve(chunk.toString())));
}

describe("a shim does not stand by", () => {
  test("where the settings do not say so", { skip }, async () => {
    const pid = await life("sb-off", { EBB_TEST_KIND: "off" });
    await ended(pid);
  });

  test("where enough do already", { skip }, async () => {
    const env = standingBy("enough", { EBB_STANDBY_AT_ONCE: "1" });
    const [one, other] = [await begun("sb-e1", env), await begun("sb-e2", env)];
    assert.notEqual(one.shimPid, other.shimPid);
    await one.end();
    await placeOf(one.shimPid);
    await other.end();
    await ended(other.shimPid);
    assert.ok(isAlive(one.shimPid));
    process.kill(one.shimPid, "SIGKILL");
  });

  test("when it has served as many as the settings say", { skip }, async () => {
    const env = standingBy("share", { EBB_STANDBY_CONTAINERS: "2" });
    const first = await life("sb-s1", env);
    await placeOf(first);
    assert.equal(await life("sb-s2", env), first);
    await ended(first);
  });

  test("when a signal has ended it", { skip }, async () => {
    const { shimPid, shim } = await begun("sb-signal", standingBy("signal"));
    process.kill(shimPid, "SIGTERM");
    await ended(shimPid);
    await shim.close();
  });
});

describe("a shim that stands by is not for", () => {
  test("a container whose shim would have another environment", { skip }, async () => {
    const first = await life("sb-v1", standingBy("variable", { EBB_TEST: "1" }));
    await placeOf(first);
    const second = await life("sb-v2", standingBy("variable", { EBB_TEST: "2" }));
    assert.notEqual(second, first);
    for (const pid of [first, second]) process.kill(pid, "SIGKILL");
  });

  test("a container whose options name a control group for its shim", { skip }, async () => {
    const env = standingBy("cgroup");
    const first = await life("sb-c1", env);
    await placeOf(first);
    const name = `ebb-standby-${process.pid}`;
    const group = path.join(hierarchy ?? "", name);
    fs.mkdirSync(group);
    try {
      const value = containerd.runc.v1.Options.encode({ shimCgroup: name }).finish();
      const bundle = await shop.bundle("sb-c2", ["true"]);
      const shim = await shop.launch(bundle, env, {
        options: { typeUrl: "containerd.runc.v1.Options", value },
      });
      const { shimPid } = await shim.task.connect({ id: "" });
      assert.notEqual(shimPid, first);
      assert.match(fs.readFileSync(`/proc/${shimPid}/cgroup`, "utf8"), new RegExp(name));
      await shim.task.shutdown({ id: "" });
      await ended(shimPid);
      await shim.close();
    } finally {
      process.kill(first, "SIGKILL");
      const pids = () => fs.readFileSync(path.join(group, "cgroup.procs"), "utf8");
      await until("an empty control group", () => (pids() === "" ? true : undefined));
      fs.rmdirSync(group);
    }
  });
});
