import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { StatusCode } from "../../../src/base/status.ts";
import { containerd, taskV3 } from "../../../src/proto/index.ts";
import { connect, createClient } from "../../../src/ttrpc/index.ts";
import { type CreateOptions, noContainers, refused, Workshop } from "../harness.ts";

const SIGKILL = 9;
const SIGTERM = 15;
const { Status } = containerd.v1.types;
const shop = new Workshop();
const skip = noContainers;

describe("a container's life", () => {
  test("goes through its states, and every answer and event tells the same", { skip }, async () => {
    const { bundle, task, pid } = await shop.create("life", { args: ["sh", "-c", "exit 7"] });
    assert.ok(pid > 1);
    const created = await task.state({ id: "life" });
    assert.deepEqual([created.status, created.pid, created.bundle], [Status.CREATED, pid, bundle.path]);
    assert.equal(created.exitedAt, null);
    assert.deepEqual(
      (await task.pids({ id: "life" })).processes.map((p) => p.pid),
      [pid],
    );
    const waiting = task.wait({ id: "life" });
    assert.equal((await task.start({ id: "life" })).pid, pid);
    const exit = await waiting;
    assert.equal(exit.exitStatus, 7);
    const stopped = await task.state({ id: "life" });
    assert.deepEqual([stopped.status, stopped.exitStatus], [Status.STOPPED, 7]);
    assert.deepEqual(stopped.exitedAt, exit.exitedAt);
    assert.deepEqual((await task.pids({ id: "life" })).processes, []);
    assert.deepEqual(await task.wait({ id: "life" }), exit);
    const deleted = await task.delete({ id: "life" });
    assert.deepEqual([deleted.pid, deleted.exitStatus], [pid, 7]);
    await shop.events.waitFor(
      (e) => e.type === "containerd.events.TaskDelete" && e.event.containerId === "life",
      5_000,
    );
    assert.deepEqual(shop.history("life"), [
      "/tasks/create",
      "/tasks/start",
      "/tasks/exit 7",
      "/tasks/delete 7",
    ]);
    assert.deepEqual(shop.traces(bundle), []);
  });

  test("is the same through version 3 of the task API", { skip }, async () => {
    const bundle = await shop.bundle("v3", ["true"]);
    const shim = await shop.launch(bundle);
    const connection = await connect(shim.answer.address);
    const task = createClient(taskV3, connection);
    await task.create({ id: "v3", bundle: bundle.path, rootfs: [shop.overlay("v3")] });
    await task.start({ id: "v3" });
    assert.equal((await task.wait({ id: "v3" })).exitStatus, 0);
    assert.equal((await task.delete({ id: "v3" })).exitStatus, 0);
    connection.close();
  });

  test("of a program that dies at once has its start before its exit, every time", { skip }, async () => {
    for (let n = 0; n < 10; n += 1) {
      const id = `quick-${n}`;
      const { task } = await shop.create(id, { args: ["true"] });
      await task.start({ id });
      await task.wait({ id });
      await task.delete({ id });
      await task.shutdown({ id });
      await shop.events.waitFor(
        (e) => e.type === "containerd.events.TaskDelete" && e.event.containerId === id,
        5_000,
      );
      assert.deepEqual(shop.history(id), [
        "/tasks/create",
        "/tasks/start",
        "/tasks/exit 0",
        "/tasks/delete 0",
      ]);
    }
  });

  test("ends with 128 + the signal that killed it", { skip }, async () => {
    const { task } = await shop.create("killed", { args: ["sleep", "1000"] });
    await task.start({ id: "killed" });
    assert.equal((await task.state({ id: "killed" })).status, Status.RUNNING);
    await task.kill({ id: "killed", signal: SIGKILL });
    assert.equal((await task.wait({ id: "killed" })).exitStatus, 137);
    await refused(
      task.kill({ id: "killed", signal: SIGTERM }),
      StatusCode.notFound,
      /already finished: killed/,
    );
    await task.delete({ id: "killed" });
  });

  test("can end before it was started: deleting a created one kills it, and its exit comes first", {
    skip,
  }, async () => {
    const { bundle, task, pid } = await shop.create("unstarted");
    const deleted = await task.delete({ id: "unstarted" });
    assert.deepEqual([deleted.pid, deleted.exitStatus], [pid, 137]);
    await shop.events.waitFor(
      (e) => e.type === "containerd.events.TaskDelete" && e.event.containerId === "unstarted",
      5_000,
    );
    assert.deepEqual(shop.history("unstarted"), ["/tasks/create", "/tasks/exit 137", "/tasks/delete 137"]);
    assert.deepEqual(shop.traces(bundle), []);
  });

  test("with kill of all its processes takes those of the init's children along", { skip }, async () => {
    const { task } = await shop.create("all", { args: ["sh", "-c", "sleep 1000 & sleep 1001; true"] });
    await task.start({ id: "all" });
    const all = async () => (await task.pids({ id: "all" })).processes.length;
    await until("the children", async () => ((await all()) === 3 ? true : undefined));
    await task.kill({ id: "all", signal: SIGKILL, all: true });
    assert.equal((await task.wait({ id: "all" })).exitStatus, 137);
    assert.deepEqual((await task.pids({ id: "all" })).processes, []);
    await task.delete({ id: "all" });
  });

  test("inherits nothing of the shim's but its three streams", { skip }, async () => {
    const { task, pid } = await shop.create("inherits");
    await task.start({ id: "inherits" });
    // The OCI runtime's init has let the program go, but may not have become it yet.
    const name = () => fs.readFileSync(`/proc/${pid}/comm`, "utf8");
    await until("the program to run", () => (name() === "sleep\n" ? true : undefined));
    assert.deepEqual(fs.readdirSync(`/proc/${pid}/fd`).sort(), ["0", "1", "2"]);
    await task.kill({ id: "inherits", signal: SIGKILL });
    await task.wait({ id: "inherits" });
    await task.delete({ id: "inherits" });
  });

  test("writes to its fifos and reads from them until CloseIO", { skip }, async () => {
    const fifos = path.join(shop.dir, "fifos");
    fs.mkdirSync(fifos);
    const [stdin = "", stdout = "", stderr = ""] = ["in", "out", "err"].map((name) => path.join(fifos, name));
    spawnSync("mkfifo", [stdin, stdout, stderr]);
    const open = (file: string) => fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
    const [out, err] = [open(stdout), open(stderr)];
    const { task } = await shop.create("cat", {
      args: ["sh", "-c", "cat; echo done >&2"],
      stdin,
      stdout,
      stderr,
    });
    const writer = fs.openSync(stdin, fs.constants.O_WRONLY);
    await task.start({ id: "cat" });
    fs.writeSync(writer, "hello");
    fs.closeSync(writer);
    await task.closeIO({ id: "cat", stdin: true });
    assert.equal((await task.wait({ id: "cat" })).exitStatus, 0);
    await task.delete({ id: "cat" });
    const read = (fd: number) => {
      const bytes = Buffer.alloc(64);
      return bytes.toString("utf8", 0, fs.readSync(fd, bytes));
    };
    assert.deepEqual([read(out), read(err)], ["hello", "done\n"]);
    for (const fd of [out, err]) fs.closeSync(fd);
  });
});

describe("calls that have no place", () => {
  test("for an id that is not there are not found, naming it", { skip }, async () => {
    const bundle = await shop.bundle("unknown", ["true"]);
    const { task } = await shop.launch(bundle);
    const id = "nobody";
    const calls = [
      task.state({ id }),
      task.start({ id }),
      task.delete({ id }),
      task.kill({ id, signal: SIGKILL }),
      task.update({ id, resources: { value: Buffer.from("{}") } }),
      task.pause({ id }),
      task.resume({ id }),
    ];
    for (const call of [...calls, task.wait({ id }), task.pids({ id }), task.closeIO({ id })]) {
      await refused(call, StatusCode.notFound, /container nobody does not exist/);
    }
    const { shimPid, taskPid } = await task.connect({ id });
    assert.ok(shimPid > 1);
    assert.equal(taskPid, 0);
  });

  test("in a state or for a process that does not allow them are refused, and change nothing", {
    skip,
  }, async () => {
    const { bundle, task } = await shop.create("states");
    const id = "states";
    await refused(
      task.create({ id, bundle: bundle.path }),
      StatusCode.alreadyExists,
      /container states exists/,
    );
    await task.start({ id });
    await refused(
      task.start({ id }),
      StatusCode.failedPrecondition,
      /cannot start a running process: states/,
    );
    await refused(
      task.delete({ id }),
      StatusCode.failedPrecondition,
      /cannot delete a running process: states/,
    );
    await refused(task.kill({ id, signal: 500 }), StatusCode.invalidArgument, /signal 500/);
    const exec = { id, execId: "e1" };
    for (const call of [
      task.state(exec),
      task.start(exec),
      task.kill({ ...exec, signal: 9 }),
      task.wait(exec),
      task.delete(exec),
    ]) {
      await refused(call, StatusCode.notFound, /container states has no process e1/);
    }
    assert.equal((await task.state({ id })).status, Status.RUNNING);
    await task.kill({ id, signal: SIGKILL });
    await task.wait({ id });
    await refused(
      task.start({ id }),
      StatusCode.failedPrecondition,
      /cannot start a stopped process: states/,
    );
    await task.delete({ id });
    await refused(task.delete({ id }), StatusCode.notFound, /container states does not exist/);
  });

  test("Shutdown leaves a shim alone that still has a container, and ends one that has none", {
    skip,
  }, async () => {
    const { task, shim } = await shop.create("busy");
    await task.shutdown({ id: "busy" });
    assert.equal((await task.state({ id: "busy" })).status, Status.CREATED);
    await task.delete({ id: "busy" });
    await task.shutdown({ id: "busy" });
    await shim.connection.closed;
    assert.equal(fs.existsSync(shim.socketPath ?? ""), false);
  });

  test("deletes at the same time share one run, one answer and one event", { skip }, async () => {
    const { task } = await shop.create("twice");
    const answers = await Promise.all([1, 2, 3].map(() => task.delete({ id: "twice" })));
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    await shop.events.waitFor(
      (e) => e.type === "containerd.events.TaskDelete" && e.event.containerId === "twice",
      5_000,
    );
    assert.equal(shop.history("twice").filter((line) => line.startsWith("/tasks/delete")).length, 1);
  });
});

describe("a Create that fails says why and leaves nothing", () => {
  const binary = (name: string) => ({
    typeUrl: "containerd.runc.v1.Options",
    value: containerd.runc.v1.Options.encode({ binaryName: name }).finish(),
  });
  const rows: [string, (dir: string) => CreateOptions, number, RegExp][] = [
    [
      "a bundle that is not there",
      () => ({ bundle: "/run/no-such-bundle" }),
      StatusCode.notFound,
      /bundle \/run\/no-such-bundle/,
    ],
    [
      "a bundle that is no plain path",
      () => ({ bundle: "/run/../etc" }),
      StatusCode.invalidArgument,
      /bundle \/run\/\.\.\/etc/,
    ],
    [
      "a relative bundle",
      () => ({ bundle: "bundle" }),
      StatusCode.invalidArgument,
      /bundle bundle: not an absolute/,
    ],
    [
      "an OCI runtime that is not there",
      () => ({ options: binary("no-such-runc") }),
      StatusCode.failedPrecondition,
      /no-such-runc/,
    ],
    [
      "options of a type nobody knows",
      () => ({ options: { typeUrl: "a.b.C", value: new Uint8Array([1]) } }),
      StatusCode.invalidArgument,
      /a\.b\.C/,
    ],
    [
      "a program that is not there",
      () => ({ args: ["/no/such/program"] }),
      StatusCode.unknown,
      /no such file or directory/,
    ],
    ["a fifo that is not there", (dir) => ({ stdout: `${dir}/no-fifo` }), StatusCode.notFound, /no-fifo/],
    ["a stdout that is a directory", (dir) => ({ stdout: dir }), StatusCode.unknown, /stdout \S+: .*EISDIR/],
    ["a terminal that config.json does not have", () => ({ terminal: true }), StatusCode.unknown, /console/],
    [
      "a logger that is not there",
      () => ({ stdout: "binary:///no/logger" }),
      StatusCode.notFound,
      /no\/logger/,
    ],
    [
      "an output of no known kind",
      () => ({ stderr: "pipe:///a" }),
      StatusCode.invalidArgument,
      /stderr pipe:/,
    ],
    [
      "a rootfs that is not there",
      (dir) => ({
        rootfs: [{ type: "overlay", source: "overlay", options: [`lowerdir=${dir}/no-layer:${dir}/none`] }],
      }),
      StatusCode.notFound,
      /no-layer does not exist/,
    ],
    [
      "a mount type that nobody knows",
      (dir) => ({ rootfs: [{ type: "nofs", source: dir, options: [] }] }),
      StatusCode.notFound,
      /ENODEV/,
    ],
    [
      "a second mount that fails",
      (dir) => ({
        rootfs: [
          { type: "bind", source: dir, options: ["bind"] },
          { type: "bind", source: `${dir}/none`, target: "x", options: ["bind"] },
        ],
      }),
      StatusCode.notFound,
      /\/x/,
    ],
    [
      "a mount that leaves the rootfs",
      (dir) => ({ rootfs: [{ type: "bind", source: dir, target: "../x", options: ["bind"] }] }),
      StatusCode.invalidArgument,
      /\.\.\/x leaves the rootfs/,
    ],
    [
      "a mount option that cannot be honoured",
      (dir) => ({ rootfs: [{ type: "ext4", source: `${dir}/image`, options: ["loop=/dev/loop0"] }] }),
      StatusCode.unimplemented,
      /option loop=\/dev\/loop0 is not supported/,
    ],
  ];
  for (const [n, [title, options, code, message]] of rows.entries()) {
    test(title, { skip }, async () => {
      const id = `bad-${n}`;
      const { args = ["true"], ...request } = options(shop.dir);
      const bundle = await shop.bundle(id, args);
      const { task } = await shop.launch(bundle);
      const { shimPid } = await task.connect({ id });
      const attempt = async () => {
        const create = task.create({ id, bundle: bundle.path, rootfs: [shop.overlay(id)], ...request });
        await refused(create, code, message);
        assert.deepEqual(shop.traces(bundle), []);
      };
      // The first one opens what the runtime keeps for good; none after it may leave more.
      await attempt();
      const descriptors = () => fs.readdirSync(`/proc/${shimPid}/fd`).length;
      const before = descriptors();
      for (let n = 0; n < 3; n += 1) await attempt();
      await until("descriptors to be closed", () => (descriptors() <= before ? true : undefined));
      await refused(task.state({ id }), StatusCode.notFound, /does not exist/);
      assert.deepEqual(shop.history(id), []);
    });
  }

  for (const id of ["a/b", "..", "", "-x"]) {
    test(`an id that is ${JSON.stringify(id)}`, { skip }, async () => {
      const bundle = await shop.bundle(`id-${id.length}${id.charCodeAt(0) || 0}`, ["true"]);
      const { task } = await shop.launch(bundle);
      await refused(task.create({ id, bundle: bundle.path }), StatusCode.invalidArgument, /id/);
    });
  }

  test("an id that runc has already, whose container is somebody else's and lives on", { skip }, async () => {
    const { bundle, task } = await shop.create("taken");
    await task.start({ id: "taken" });
    const copy = path.join(shop.dir, "copy");
    fs.mkdirSync(copy);
    fs.copyFileSync(path.join(bundle.path, "config.json"), path.join(copy, "config.json"));
    spawnSync("mkfifo", [path.join(copy, "log")]);
    const other = await shop.launch({ ...bundle, path: copy }, {}, { daemon: "another-daemon" });
    const create = other.task.create({ id: "taken", bundle: copy, rootfs: [shop.overlay("taken-2")] });
    await refused(create, StatusCode.alreadyExists, /create failed: .*already exists$/);
    assert.equal((await task.state({ id: "taken" })).status, Status.RUNNING);
    await task.kill({ id: "taken", signal: SIGKILL });
    assert.equal((await task.wait({ id: "taken" })).exitStatus, 137);
    await task.delete({ id: "taken" });
  });

  test("and the same container can be made right afterwards", { skip }, async () => {
    const bundle = await shop.bundle("again", ["true"]);
    const { task } = await shop.launch(bundle);
    const request = { id: "again", bundle: bundle.path, rootfs: [shop.overlay("again")] };
    await refused(task.create({ ...request, stdout: shop.dir }), StatusCode.unknown, /EISDIR/);
    await task.create(request);
    await task.start({ id: "again" });
    assert.equal((await task.wait({ id: "again" })).exitStatus, 0);
    await task.delete({ id: "again" });
  });
});

describe("one shim for a pod", () => {
  test("serves twenty containers at once, each with its own exit", { skip }, async () => {
    const ids = Array.from({ length: 20 }, (_, n) => `pod-${n}`);
    const first = await shop.bundle("pod-shim", ["true"]);
    const { task } = await shop.launch(first);
    const run = async (id: string, n: number) => {
      const bundle = await shop.bundle(id, ["sh", "-c", `exit ${n}`]);
      await task.create({ id, bundle: bundle.path, rootfs: [shop.overlay(id)] });
      await task.start({ id });
      const { exitStatus } = await task.wait({ id });
      await task.delete({ id });
      return exitStatus;
    };
    assert.deepEqual(
      await Promise.all(ids.map(run)),
      ids.map((_, n) => n),
    );
    for (const id of ids) {
      await shop.events.waitFor(
        (e) => e.type === "containerd.events.TaskDelete" && e.event.containerId === id,
        5_000,
      );
      assert.deepEqual(
        shop.history(id).map((line) => line.split(" ")[0]),
        ["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"],
      );
    }
  });
});
