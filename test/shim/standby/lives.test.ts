/** Shims that stand by for the next container, by the executable itself and real containers. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { sleep } from "../../../src/base/deadline.ts";
import { containerd, taskV2 } from "../../../src/proto/index.ts";
import { socketPath } from "../../../src/shim/commands/socket-address.ts";
import { namedProcess, wordOf } from "../../../src/shim/standby/named-process.ts";
import { encodeOrder, type Order } from "../../../src/shim/standby/order.ts";
import { type Place, placesIn, socketOf } from "../../../src/shim/standby/place.ts";
import { connect, createClient } from "../../../src/ttrpc/index.ts";
import { isAlive } from "../../oci/helpers.ts";
import { hierarchy } from "../../support/hierarchy.ts";
import { shimPath } from "../../support/shim-process.ts";
import { type CreateOptions, NAMESPACE, noContainers, Workshop } from "../harness.ts";

const shop = new Workshop();
const skip = noContainers;

/** Where servers stand by. */
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

/** Where a server stands by, once it does. */
const standbyOf = (pid: number): Promise<Place> =>
  until(`shim ${pid} to stand by`, () => placesIn(FOLDER).find(({ server }) => server.pid === pid));

/** Its socket there. */
const placeOf = async (pid: number) => socketOf(FOLDER, await standbyOf(pid));

/** Says something to a server that stands by, and hears what it says until it hangs up. */
class Asker {
  heard = "";
  readonly #socket: net.Socket;
  readonly over: Promise<string>;

  constructor(place: string) {
    this.#socket = net.connect(place);
    this.#socket.on("data", (chunk) => {
      this.heard += chunk;
    });
    this.#socket.on("error", () => {});
    this.over = new Promise((resolve) => this.#socket.on("close", () => resolve(this.heard)));
  }

  say(text: string): void {
    this.#socket.write(text);
  }

  order(order: Order): void {
    this.say(`${encodeOrder(order)}\n`);
  }

  hangUp(): void {
    this.#socket.destroy();
  }
}

/** What a process was given as its environment. */
const environmentOf = (pid: number) =>
  Object.fromEntries(
    fs
      .readFileSync(`/proc/${pid}/environ`, "utf8")
      .split("\0")
      .filter((line) => line !== "")
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );

/** The socket of the shim that the workshop launches for a container. */
const groupSocket = (group: string) =>
  socketPath({
    dir: path.dirname(FOLDER),
    address: path.join(shop.dir, "containerd.sock"),
    namespace: NAMESPACE,
    group,
  });

/** Leaves a socket on which nobody listens any more. */
async function leaveStale(socket: string): Promise<void> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(`${socket}.made`, resolve));
  fs.renameSync(`${socket}.made`, socket);
  await new Promise((resolve) => server.close(resolve));
}

/** Waits until a shim stands by. */
async function standing(pid: number): Promise<number> {
  await placeOf(pid);
  return pid;
}

/** The pids of all that stand by for this process. */
const standbys = () =>
  placesIn(FOLDER).flatMap(({ daemon, server }) => (daemon.pid === process.pid ? [server.pid] : []));

/** Ends all that stand by for this process. */
const killAll = () => kill(...standbys());

const kill = async (...pids: number[]) => {
  for (const pid of pids) process.kill(pid, "SIGTERM");
  for (const pid of pids) await ended(pid);
};

const ended = (pid: number) => until(`the end of ${pid}`, () => (isAlive(pid) ? undefined : true));

// The first shim of all makes it, and does not stand by itself.
beforeEach(() => {
  if (skip === false) fs.mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
});

// The settings' limit is one for all that stand by for this process.
afterEach(() => {
  assert.deepEqual(standbys(), [], "stand by yet");
});

describe("a shim that stands by", () => {
  test("serves the next container as a shim of its own would", { skip }, async () => {
    const env = standingBy("next");
    const first = await life("sb-a", env, { args: ["sh", "-c", "exit 3"] });
    const socket = await placeOf(first);
    assert.equal(fs.statSync(socket).mode & 0o777, 0o600);
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
    await kill(first);
  });

  test("is no larger and has no more open after many containers", { skip }, async () => {
    const env = standingBy("many");
    const first = await life("sb-n0", env);
    await placeOf(first);
    const open = openFiles(first);
    for (let n = 1; n <= 8; n += 1) {
      assert.equal(await life(`sb-n${n}`, env), first);
      await placeOf(first);
      await until("no more to be open", () => (openFiles(first) === open ? true : undefined));
    }
    assert.equal(fs.readFileSync(`/proc/${first}/task/${first}/children`, "utf8"), "");
    await kill(first);
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
    await kill(first);
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`ends by ${signal}, and its place is empty`, { skip }, async () => {
      const pid = await life(`sb-${signal.toLowerCase()}`, standingBy(signal));
      const place = await placeOf(pid);
      process.kill(pid, signal);
      await ended(pid);
      assert.equal(fs.existsSync(place), false);
    });
  }

  test("ends when nobody needs it for as long as the settings say", { skip }, async () => {
    const pid = await life("sb-unused", standingBy("unused", { EBB_STANDBY_MS: "300" }));
    const place = await placeOf(pid);
    await ended(pid);
    assert.equal(fs.existsSync(place), false);
  });

  test("that is killed leaves the next container one that is launched", { skip }, async () => {
    const env = standingBy("killed");
    const first = await life("sb-k1", env);
    const place = await placeOf(first);
    process.kill(first, "SIGKILL");
    await ended(first);
    assert.ok(fs.existsSync(place));
    const second = await life("sb-k2", env);
    assert.notEqual(second, first);
    // Nobody is asked there again.
    assert.equal(fs.existsSync(place), false);
    await placeOf(second);
    await kill(second);
  });

  test("takes the room of one that was killed, also where another process has its pid since", {
    skip,
  }, async () => {
    const env = standingBy("reused", { EBB_STANDBY_AT_ONCE: "1" });
    const first = await life("sb-reused-1", env);
    const { server, ...place } = await standbyOf(first);
    await kill(first);
    const own = namedProcess(process.pid) ?? assert.fail();
    const left = socketOf(FOLDER, { ...place, server: { ...own, startTime: own.startTime - 1 } });
    await leaveStale(left);
    const second = await life("sb-reused-2", env).then(standing);
    assert.notEqual(second, server.pid);
    assert.equal(fs.existsSync(left), false);
    await kill(second);
  });

  test("that is stopped holds nobody up beyond the limit, and is asked no more", { skip }, async () => {
    const env = standingBy("stopped", { EBB_STANDBY_ANSWER_MS: "500" });
    const first = await life("sb-p1", env);
    const place = await placeOf(first);
    process.kill(first, "SIGSTOP");
    const second = await begun("sb-p2", env);
    assert.notEqual(second.shimPid, first);
    assert.equal(fs.existsSync(place), false);
    // What it was asked long ago is nothing to it any more, and without a place it has no reason to stay.
    process.kill(first, "SIGCONT");
    await ended(first);
    await second.task.state({ id: "sb-p2" });
    await second.end();
    await placeOf(second.shimPid);
    await kill(second.shimPid);
  });

  for (const [n, [what, text]] of Object.entries([
    ["garbage", "\0garbage\n"],
    ["what is no order", "{}\n"],
    ["flags that there are not", `${encodeOrder({ args: ["-x"], bundle: "/" })}\n`],
    ["a line without an end", "x".repeat(10_000)],
  ] as const)) {
    test(`hangs up on ${what}, and serves the next container all the same`, { skip }, async () => {
      const env = standingBy("garbage");
      const first = await life(`sb-g${n}`, env);
      const asker = new Asker(await placeOf(first));
      asker.say(text);
      assert.equal(await asker.over, "");
      assert.equal(await life(`sb-h${n}`, env), first);
      await placeOf(first);
      await kill(first);
    });
  }

  test("hears one at a time, and sends others away at once", { skip }, async () => {
    const env = standingBy("busy");
    const first = await life("sb-b1", env);
    const place = await placeOf(first);
    const silent = new Asker(place);
    assert.equal(await new Asker(place).over, "");
    const second = await life("sb-b2", env);
    assert.notEqual(second, first);
    await placeOf(second);
    await kill(second);
    silent.hangUp();
    const third = await until("the first to hear the next", async () => {
      const asker = new Asker(place);
      const isSentAway = await Promise.race([asker.over.then(() => true), sleep(50).then(() => false)]);
      asker.hangUp();
      return isSentAway ? undefined : true;
    }).then(() => life("sb-b3", env));
    assert.equal(third, first);
    await placeOf(first);
    await kill(first);
  });

  test("ends where who has taken it hangs up before it is to serve, and so does its socket", {
    skip,
  }, async () => {
    const bundle = await shop.bundle("sb-taken", ["true"]);
    const pid = await life("sb-taken-1", standingBy("taken"));
    const asker = new Asker(await placeOf(pid));
    const socket = path.join(shop.dir, "taken.sock");
    const args = ["-namespace", NAMESPACE, "-id", "sb-taken", "-address", "/x", "-socket", socket];
    asker.order({ args, bundle: bundle.path });
    await until("its answer", () => (asker.heard === `ready ${pid}\n` ? true : undefined));
    assert.equal(wordAfter(pid, "-id"), "sb-taken");
    const connection = await connect(`unix://${socket}`);
    const call = createClient(taskV2, connection).state({ id: "x" });
    asker.hangUp();
    await assert.rejects(call, /connection/);
    await ended(pid);
    assert.equal(fs.existsSync(socket), false);
  });

  test("does not take an order whose bundle has gone, and goes on standing by", { skip }, async () => {
    const pid = await life("sb-gone-1", standingBy("gone"));
    const place = await placeOf(pid);
    const socket = path.join(shop.dir, "gone.sock");
    const args = ["-namespace", NAMESPACE, "-id", "sb-gone", "-address", "/x", "-socket", socket];
    for (const each of [
      { args, bundle: path.join(shop.dir, "no such bundle") },
      { args: args.with(-1, "/proc/no such directory/x"), bundle: shop.dir },
      { args: args.slice(0, -2), bundle: shop.dir },
    ]) {
      const asker = new Asker(place);
      asker.order(each);
      assert.equal(await asker.over, "");
    }
    assert.equal(fs.existsSync(socket), false);
    assert.ok(wordsOf(pid).includes("standby"), wordsOf(pid).join(" "));
    assert.equal(fs.readlinkSync(`/proc/${pid}/cwd`), "/");
    await kill(pid);
  });

  test("heeds a signal while somebody is silent", { skip }, async () => {
    const pid = await life("sb-silent", standingBy("silent", { EBB_SERVER_READY_MS: "600000" }));
    const asker = new Asker(await placeOf(pid));
    await sleep(50);
    process.kill(pid, "SIGTERM");
    assert.equal(await asker.over, "");
    await ended(pid);
  });

  test("replaces the socket of a dead shim, and keeps nobody from doing so later", { skip }, async () => {
    const env = standingBy("stale");
    const first = await life("sb-stale-0", env);
    for (let n = 1; n <= 3; n += 1) {
      const place = await standbyOf(first);
      const socket = groupSocket("sb-stale");
      await leaveStale(socket);
      const asker = new Asker(socketOf(FOLDER, place));
      const args = ["-namespace", NAMESPACE, "-id", `sb-st-${n}`, "-address", "/x", "-socket", socket];
      const bundle = await shop.bundle(`sb-st-${n}`, ["true"]);
      asker.order({ args: [...args, "-daemon", wordOf(place.daemon)], bundle: bundle.path });
      await until("its answer", () => (asker.heard === `ready ${first}\n` ? true : undefined));
      asker.say("serve\n");
      const connection = await connect(`unix://${socket}`);
      assert.equal(
        fs.readFileSync("/proc/net/unix", "utf8").includes(`@ebb-replace-${path.basename(socket)}`),
        false,
      );
      await createClient(taskV2, connection).shutdown({ id: "" });
      await connection.closed;
    }
    await placeOf(first);
    await kill(first);
  });

  test("is killed where start cannot give its answer, and the group has no socket then", {
    skip,
  }, async () => {
    const env = standingBy("answer");
    const first = await life("sb-answer-0", env);
    await placeOf(first);
    const bundle = await shop.bundle("sb-answer", ["true"]);
    const address = path.join(shop.dir, "containerd.sock");
    const child = spawn(
      shimPath,
      ["-namespace", NAMESPACE, "-id", "sb-answer", "-address", address, "start"],
      {
        cwd: bundle.path,
        env: environmentOf(first),
        stdio: ["ignore", fs.openSync("/dev/full", "w"), "ignore"],
      },
    );
    assert.equal(await new Promise((resolve) => child.once("exit", resolve)), 1);
    await ended(first);
    assert.equal(fs.existsSync(groupSocket("sb-answer")), false);
    assert.notEqual(await life("sb-answer-2", env).then(standing), first);
    await killAll();
  });

  test("that has the group's socket and has not said so in time fails start, which answers no address", {
    skip,
  }, async () => {
    const env = standingBy("doubt", { EBB_STANDBY_ANSWER_MS: "300" });
    const first = await life("sb-doubt-0", env);
    const place = await standbyOf(first);
    await kill(first);
    // One that takes orders and connections, and says nothing.
    const silent = socketOf(FOLDER, { ...place, server: namedProcess(process.pid) ?? assert.fail() });
    const desk = net.createServer(() => {});
    await new Promise<void>((resolve) => desk.listen(silent, resolve));
    const bundle = await shop.bundle("sb-doubt", ["true"]);
    const living = net.createServer(() => {});
    await new Promise<void>((resolve) => living.listen(groupSocket("sb-doubt"), resolve));
    const message = /stands by has not said within 300 ms whether it serves/;
    await assert.rejects(shop.launch(bundle, env), message);
    living.close();
    desk.close();
    assert.equal(fs.existsSync(silent), false);
    await life("sb-doubt-2", env).then(standing);
    await killAll();
  });

  test("knows a group that has a shim, and goes on standing by", { skip }, async () => {
    const env = standingBy("living");
    const first = await life("sb-l1", env);
    const place = await placeOf(first);
    const socket = path.join(shop.dir, "living.sock");
    const other = net.createServer((client) => client.end());
    await new Promise<void>((resolve) => other.listen(socket, resolve));
    const asker = new Asker(place);
    const args = ["-namespace", NAMESPACE, "-id", "sb-l", "-address", "/x", "-socket", socket];
    asker.order({ args, bundle: shop.dir });
    assert.equal(await asker.over, "living\n");
    other.close();
    assert.ok(wordsOf(first).includes("standby"));
    assert.equal(await life("sb-l2", env), first);
    await placeOf(first);
    await kill(first);
  });

  test("serves one of two who start a pod at once, and both get its shim", { skip }, async () => {
    const env = standingBy("pods");
    const waiting = await Promise.all(["sb-two-1", "sb-two-2"].map((id) => begun(id, env)));
    for (const each of waiting) await each.end();
    for (const { shimPid } of waiting) await placeOf(shimPid);
    const annotations = { "io.kubernetes.cri.sandbox-id": "sb-both" };
    const bundles = await Promise.all(
      ["sb-both", "sb-both-in"].map((id) => shop.bundle(id, ["true"], annotations)),
    );
    const shims = await Promise.all(bundles.map((bundle) => shop.launch(bundle, env)));
    const pids = await Promise.all(shims.map(async ({ task }) => (await task.connect({ id: "" })).shimPid));
    assert.equal(pids[0], pids[1]);
    const served = waiting.find(({ shimPid }) => shimPid === pids[0]);
    const other = waiting.find(({ shimPid }) => shimPid !== pids[0]);
    assert.ok(served !== undefined && other !== undefined, `${pids}`);
    await placeOf(other.shimPid);
    await shims[0]?.task.shutdown({ id: "" });
    for (const shim of shims) await shim.close();
    await placeOf(served.shimPid);
    await kill(...waiting.map(({ shimPid }) => shimPid));
  });

  test("is taken by one of many that are started at once, and the others are launched", {
    skip,
  }, async () => {
    const env = standingBy("many-at-once");
    const waiting = await Promise.all(["sb-m1", "sb-m2"].map((id) => begun(id, env)));
    for (const each of waiting) await each.end();
    for (const { shimPid } of waiting) await placeOf(shimPid);
    const running = await Promise.all(Array.from({ length: 6 }, (_, n) => begun(`sb-m-${n}`, env)));
    const pids = running.map(({ shimPid }) => shimPid);
    assert.equal(new Set(pids).size, pids.length);
    for (const { shimPid } of waiting) assert.ok(pids.includes(shimPid), `${pids}`);
    for (const each of running) await each.end();
    const left = await until("two of them to stand by, and the others to end", () => {
      const alive = pids.filter(isAlive);
      return alive.length === 2 && alive.every((pid) => standbys().includes(pid)) ? alive : undefined;
    });
    await kill(...left);
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
    const place = await placeOf(shimPid);
    daemon.kill("SIGKILL");
    await ended(shimPid);
    assert.equal(fs.existsSync(place), false);
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
    await kill(one.shimPid);
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
    await kill(first, second);
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
      await kill(first);
      const pids = () => fs.readFileSync(path.join(group, "cgroup.procs"), "utf8");
      await until("an empty control group", () => (pids() === "" ? true : undefined));
      fs.rmdirSync(group);
    }
  });
});
