import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { StatusCode } from "../../../src/base/status.ts";
import { containerd } from "../../../src/proto/index.ts";
import { noContainersReason, realBinary } from "../../oci/helpers.ts";
import {
  assertExitOrder,
  descriptors,
  processSpec,
  runExec,
  runtimeOptions,
  specOf,
  wholeStory,
} from "../exec-scene.ts";
import { noContainers, refused, Workshop } from "../harness.ts";

const SIGKILL = 9;
const { Status } = containerd.v1.types;
const shop = new Workshop();
const skip = noContainers;

/** A container that runs, and how to end it. */
async function running(id: string, env: Record<string, string> = {}) {
  const made = await shop.create(id, {}, env);
  await made.task.start({ id });
  const files = fs.readdirSync(made.bundle.path).sort();
  const end = async () => {
    await made.task.kill({ id, signal: SIGKILL });
    await made.task.wait({ id });
    await made.task.delete({ id });
    return await wholeStory(shop, id);
  };
  return { ...made, files: () => fs.readdirSync(made.bundle.path).sort(), filesBefore: files, end };
}

/** Three fifos with ends that read the outputs, and how to write to the input. */
function fifos(name: string) {
  const dir = path.join(shop.dir, `fifos-${name}`);
  fs.mkdirSync(dir);
  const [stdin = "", stdout = "", stderr = ""] = ["in", "out", "err"].map((one) => path.join(dir, one));
  spawnSync("mkfifo", [stdin, stdout, stderr]);
  const open = (file: string) => fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
  const fds = [open(stdout), open(stderr)] as const;
  const read = (fd: number) => {
    const bytes = Buffer.alloc(256);
    return bytes.toString("utf8", 0, fs.readSync(fd, bytes));
  };
  return {
    paths: { stdin, stdout, stderr },
    out: () => read(fds[0]),
    err: () => read(fds[1]),
    close: () => fds.map((fd) => fs.closeSync(fd)),
  };
}

describe("an exec", () => {
  test("goes through its states, and every answer and event tells the same", { skip }, async () => {
    const id = "life";
    const { bundle, task, pid: init, files, filesBefore, end } = await running(id);
    const exec = { id, execId: "e1" };
    await task.exec({ ...exec, spec: processSpec(["sh", "-c", "read _; exit 7"]), ...fifos("life").paths });
    const created = await task.state(exec);
    assert.deepEqual([created.id, created.status, created.pid], ["e1", Status.CREATED, 0]);
    assert.equal(created.bundle, bundle.path);
    assert.deepEqual(files(), filesBefore);
    const waiting = task.wait(exec);
    const { pid } = await task.start(exec);
    const state = await task.state(exec);
    assert.deepEqual([state.status, state.pid], [Status.RUNNING, pid]);
    const { processes } = await task.pids({ id });
    const told = processes.map(({ pid, info }) => [
      pid,
      containerd.runc.v1.ProcessDetails.decode(info?.value ?? new Uint8Array()).execId,
    ]);
    assert.deepEqual(
      told,
      [
        [init, ""],
        [pid, "e1"],
      ].sort(([a], [b]) => Number(a) - Number(b)),
    );
    await task.closeIO({ ...exec, stdin: true });
    const exit = await waiting;
    assert.equal(exit.exitStatus, 7);
    const stopped = await task.state(exec);
    assert.deepEqual([stopped.status, stopped.exitStatus], [Status.STOPPED, 7]);
    assert.deepEqual(await task.wait(exec), exit);
    const deleted = await task.delete(exec);
    assert.deepEqual([deleted.pid, deleted.exitStatus, deleted.exitedAt], [pid, 7, exit.exitedAt]);
    await refused(task.state(exec), StatusCode.notFound, /container life has no process e1/);
    assert.deepEqual(files(), filesBefore);
    assert.deepEqual(await end(), [
      "create init",
      "start init",
      "exec-added e1",
      "exec-started e1",
      "exit e1 7",
      "exit init 137",
      "delete init",
    ]);
  });

  test("that dies at once has its start before its exit, every time", { skip }, async () => {
    const id = "quick";
    const { task, end } = await running(id);
    const ids = Array.from({ length: 10 }, (_, n) => `e${n}`);
    for (const execId of ids) {
      await runExec({ task }, id, execId, ["true"]);
      assert.equal((await task.wait({ id, execId })).exitStatus, 0);
      await task.delete({ id, execId });
    }
    const told = (await end()).filter((line) => / e\d/.test(line));
    assert.deepEqual(
      told,
      ids.flatMap((execId) => [`exec-added ${execId}`, `exec-started ${execId}`, `exit ${execId} 0`]),
    );
  });

  test("runs beside others, each with its own streams, and reads until CloseIO", { skip }, async () => {
    const id = "beside";
    const { task, shim, end } = await running(id);
    const before = await descriptors(shim);
    const names = ["a", "b", "c"];
    const streams = names.map((name) => fifos(`beside-${name}`));
    await Promise.all(
      names.map(async (execId, n) => {
        const spec = processSpec(["sh", "-c", "cat; echo done >&2"]);
        await task.exec({ id, execId, spec, ...streams[n]?.paths });
        await task.start({ id, execId });
      }),
    );
    for (const [n, execId] of names.entries()) {
      const writer = fs.openSync(streams[n]?.paths.stdin ?? "", fs.constants.O_WRONLY);
      fs.writeSync(writer, `hello ${execId}`);
      fs.closeSync(writer);
      await task.closeIO({ id, execId, stdin: true });
      assert.equal((await task.wait({ id, execId })).exitStatus, 0);
      await task.delete({ id, execId });
      assert.deepEqual([streams[n]?.out(), streams[n]?.err()], [`hello ${execId}`, "done\n"]);
      streams[n]?.close();
    }
    await until("descriptors to be closed", async () =>
      (await descriptors(shim)) <= before ? true : undefined,
    );
    await end();
  });

  test("whose input was closed before its start reads the end of it at once", { skip }, async () => {
    const id = "closed";
    const { task, end } = await running(id);
    const { paths, close } = fifos("closed");
    await task.exec({ id, execId: "cat", spec: processSpec(["cat"]), ...paths });
    await task.closeIO({ id, execId: "cat", stdin: true });
    await task.start({ id, execId: "cat" });
    assert.equal((await task.wait({ id, execId: "cat" })).exitStatus, 0);
    close();
    await end();
  });

  test("ends with 128 + the signal that killed it, and nothing else ends with it", { skip }, async () => {
    const id = "killed";
    const { task, end } = await running(id);
    for (const execId of ["a", "b"]) await runExec({ task }, id, execId, ["sleep", "1000"]);
    await refused(task.kill({ id, execId: "a", signal: 500 }), StatusCode.invalidArgument, /signal 500/);
    await task.kill({ id, execId: "a", signal: SIGKILL });
    assert.equal((await task.wait({ id, execId: "a" })).exitStatus, 137);
    const again = task.kill({ id, execId: "a", signal: SIGKILL });
    await refused(again, StatusCode.notFound, /process already finished: a/);
    assert.equal((await task.state({ id, execId: "b" })).status, Status.RUNNING);
    assert.equal((await task.state({ id })).status, Status.RUNNING);
    await end();
  });

  test("runs in a container that was created and not started yet", { skip }, async () => {
    const id = "early";
    const { task } = await shop.create(id);
    await runExec({ task }, id, "e1", ["sh", "-c", "exit 3"]);
    assert.equal((await task.wait({ id, execId: "e1" })).exitStatus, 3);
    assert.equal((await task.state({ id })).status, Status.CREATED);
    await task.delete({ id });
  });

  test("is frozen with its container", { skip }, async () => {
    const id = "frozen";
    const { task, end } = await running(id);
    await runExec({ task }, id, "e1", ["sleep", "1000"]);
    await task.pause({ id });
    assert.equal((await task.state({ id, execId: "e1" })).status, Status.PAUSED);
    const late = task.exec({ id, execId: "e2", spec: processSpec(["true"]) });
    await refused(late, StatusCode.failedPrecondition, /cannot exec in a paused process: frozen/);
    await task.resume({ id });
    assert.equal((await task.state({ id, execId: "e1" })).status, Status.RUNNING);
    await end();
  });

  test("has files of its own, whatever it is called", { skip }, async () => {
    const id = "names";
    const { bundle, task, pid, end } = await running(id);
    const names = ["init", "log", "exit", "config.json", "rootfs", "a", "a.exit", "address"];
    const before = fs.readFileSync(path.join(bundle.path, "config.json"));
    await Promise.all(
      names.map(async (execId, n) => {
        await runExec({ task }, id, execId, ["sh", "-c", `exit ${n}`]);
        assert.equal((await task.wait({ id, execId })).exitStatus, n);
      }),
    );
    for (const execId of names) await task.delete({ id, execId });
    assert.equal(fs.readFileSync(path.join(bundle.path, "init.pid"), "utf8"), String(pid));
    assert.deepEqual(fs.readFileSync(path.join(bundle.path, "config.json")), before);
    assert.ok(!fs.existsSync(path.join(bundle.path, "exit.json")));
    const exits = (await end()).filter((line) => line.startsWith("exit"));
    assert.equal(exits.length, names.length + 1);
  });

  test("gets its limits digit by digit", { skip }, async () => {
    const id = "digits";
    const { task, end } = await running(id);
    const { paths, out, close } = fifos("digits");
    const unlimited = "18446744073709551615";
    const text = processSpec(["sh", "-c", "ulimit -H -c"]).value.toString();
    const limit = `[{"type":"RLIMIT_CORE","hard":${unlimited},"soft":${unlimited}}]`;
    const spec = specOf(text.replace(/"rlimits":\[.*?\]/, `"rlimits":${limit}`));
    assert.ok(spec.value.toString().includes(unlimited));
    await task.exec({ id, execId: "e1", spec, ...paths, stdin: "" });
    await task.start({ id, execId: "e1" });
    assert.equal((await task.wait({ id, execId: "e1" })).exitStatus, 0);
    assert.equal(out(), "unlimited\n");
    close();
    await end();
  });
});

test("an exec by crun runs, ends and fails as one by runc does, and nothing of it holds the container up", {
  skip: skip || noContainersReason("crun"),
}, async () => {
  const id = "crun";
  const options = runtimeOptions(realBinary(shop.dir, "crun"));
  const { task } = await shop.create(id, { options });
  await task.start({ id });
  await runExec({ task }, id, "e1", ["sh", "-c", "exit 5"]);
  assert.equal((await task.wait({ id, execId: "e1" })).exitStatus, 5);
  await runExec({ task }, id, "e2", ["sleep", "1000"]);
  const exec = { id, execId: "e3" };
  await task.exec({ ...exec, spec: processSpec(["/no/such"]) });
  await refused(task.start(exec), StatusCode.unknown, /OCI runtime exec failed: .*\/no\/such/);
  assert.equal((await task.wait(exec)).exitStatus, 255);
  await task.kill({ id, signal: SIGKILL });
  await task.wait({ id });
  await task.delete({ id });
  assertExitOrder(await wholeStory(shop, id), ["e1", "e2"]);
});

describe("an exec that cannot be started", () => {
  const rows: [title: string, args: string[], changes: Record<string, unknown>, message: RegExp][] = [
    ["because there is no such file", ["/no/such"], {}, /exec failed: .*\/no\/such: no such file/],
    ["because its name is not in the path", ["no-such"], {}, /executable file not found in \$PATH/],
    ["because the file is no program", ["/proc/version"], {}, /\/proc\/version.*: permission denied/],
    [
      "because there can be no such user",
      ["true"],
      { user: { uid: 4294967295, gid: 0 } },
      /setup user: uids and gids must be in range/,
    ],
    ["because its directory is not there", ["true"], { cwd: "/none" }, /\/none.*no such file or directory/],
  ];
  for (const [n, [title, args, changes, message]] of rows.entries()) {
    test(`${title} says so as the runtime does, and leaves nothing`, { skip }, async () => {
      const id = `failing-${n}`;
      const { task, shim, files, filesBefore, end } = await running(id);
      const fail = async (execId: string) => {
        const exec = { id, execId };
        await task.exec({ ...exec, spec: processSpec(args, changes) });
        await refused(task.start(exec), StatusCode.unknown, message);
        assert.equal((await task.wait(exec)).exitStatus, 255);
        assert.equal((await task.state(exec)).status, Status.STOPPED);
        await refused(task.start(exec), StatusCode.failedPrecondition, /cannot start a stopped process/);
        const deleted = await task.delete(exec);
        assert.deepEqual([deleted.pid, deleted.exitStatus], [0, 255]);
        assert.deepEqual(files(), filesBefore);
      };
      await fail("e0");
      const before = await descriptors(shim);
      for (const execId of ["e1", "e2", "e3"]) await fail(execId);
      await until("descriptors to be closed", async () =>
        (await descriptors(shim)) <= before ? true : undefined,
      );
      const told = (await end()).filter((line) => / e\d/.test(line));
      assert.deepEqual(told, ["exec-added e0", "exec-added e1", "exec-added e2", "exec-added e3"]);
    });
  }

  test("says so in the answer, and not among the output of the process as well", { skip }, async () => {
    const id = "said-once";
    const { task, end } = await running(id);
    const { paths, out, err, close } = fifos(id);
    const start = async (execId: string, args: string[]) => {
      await task.exec({ id, execId, spec: processSpec(args), ...paths, stdin: "" });
      await task.start({ id, execId });
    };
    const missing = 'exec: "/no/such": stat /no/such: no such file or directory';
    await assert.rejects(start("e1", ["/no/such"]), {
      message: `OCI runtime exec failed: exec failed: unable to start container process: ${missing}`,
    });
    await task.delete({ id, execId: "e1" });
    for (const read of [out, err]) assert.throws(read, { code: "EAGAIN" });
    await start("e2", ["sh", "-c", "echo output; echo error >&2"]);
    await task.wait({ id, execId: "e2" });
    await task.delete({ id, execId: "e2" });
    assert.deepEqual([out(), err()], ["output\n", "error\n"]);
    close();
    await end();
  });

  for (const [kind, stdout, terminal] of [
    ["a terminal", "out", true],
    ["a fifo", "out", false],
    ["a file", "file:", false],
    ["a logger", "binary:", false],
  ] as const) {
    test(`lets go of its streams, too, where they are ${kind}`, { skip }, async () => {
      const id = `letting-${kind.split(" ")[1]}`;
      const { task, shim, files, filesBefore, end } = await running(id);
      const { paths, close } = fifos(id);
      const file = path.join(shop.dir, `${id}.txt`);
      const targets = { out: paths.stdout, "file:": `file://${file}`, "binary:": "binary:///bin/cat" };
      const fail = async (execId: string) => {
        const spec = processSpec(["/no/such"]);
        await task.exec({ id, execId, spec, stdin: paths.stdin, stdout: targets[stdout], terminal });
        await assert.rejects(task.start({ id, execId }));
        await task.delete({ id, execId });
        assert.deepEqual(files(), filesBefore);
      };
      await fail("e0");
      const before = await descriptors(shim);
      for (const execId of ["e1", "e2", "e3"]) await fail(execId);
      await until("descriptors to be closed", async () =>
        (await descriptors(shim)) <= before ? true : undefined,
      );
      close();
      await end();
    });
  }

  test("because its streams are not there is refused at its start, and another takes its place", {
    skip,
  }, async () => {
    const id = "streams";
    const { task, end } = await running(id);
    const exec = { id, execId: "e1" };
    await task.exec({ ...exec, spec: processSpec(["true"]), stdout: "/no/such/fifo" });
    await refused(task.start(exec), StatusCode.notFound, /\/no\/such\/fifo/);
    await task.delete(exec);
    await runExec({ task }, id, "e1", ["true"]);
    assert.equal((await task.wait(exec)).exitStatus, 0);
    await end();
  });
});

describe("an Exec, or a call for one, that has no place", () => {
  test("is refused, naming why, and is not told to anybody", { skip }, async () => {
    const id = "misplaced";
    const { task } = await running(id);
    const spec = processSpec(["sleep", "1000"]);
    const { alreadyExists, failedPrecondition, invalidArgument, notFound } = StatusCode;
    await refused(task.exec({ id: "nobody", execId: "e1", spec }), notFound, /container nobody does not/);
    for (const execId of ["", "a/b", "..", "../e1", "-x", "a".repeat(77)]) {
      await refused(task.exec({ id, execId, spec }), invalidArgument, /id ".*" is not allowed/);
    }
    const nonsense = task.exec({ id, execId: "e0", spec: specOf("[]") });
    await refused(nonsense, invalidArgument, /the process e0 for container misplaced: /);
    await refused(task.exec({ id, execId: "e0" }), invalidArgument, /the document is empty/);
    await runExec({ task }, id, "e1", ["sleep", "1000"]);
    const taken = task.exec({ id, execId: "e1", spec });
    await refused(taken, alreadyExists, /process e1 of container misplaced exists already/);
    await refused(task.start({ id, execId: "e1" }), failedPrecondition, /cannot start a running process: e1/);
    const early = task.delete({ id, execId: "e1" });
    await refused(early, failedPrecondition, /cannot delete a running process: e1/);
    await task.kill({ id, signal: SIGKILL });
    await task.wait({ id });
    const late = task.exec({ id, execId: "e2", spec });
    await refused(late, failedPrecondition, /cannot exec in a stopped process: misplaced/);
    await task.delete({ id });
    const added = (await wholeStory(shop, id)).filter((line) => line.startsWith("exec-added"));
    assert.deepEqual(added, ["exec-added e1"]);
  });

  test("is a Start that comes with or after the Delete: nothing runs that nobody knows of", {
    skip,
  }, async () => {
    const id = "deleted-first";
    const { task, pid, end } = await running(id);
    for (const execId of ["e0", "e1", "e2", "e3", "e4"]) {
      const exec = { id, execId };
      await task.exec({ ...exec, spec: processSpec(["sleep", "1000"]) });
      const deletion = task.delete(exec);
      await refused(task.start(exec), StatusCode.notFound, /has no process e|process e\d was deleted/);
      await deletion;
    }
    const { processes } = await task.pids({ id });
    assert.deepEqual(
      processes.map((one) => one.pid),
      [pid],
    );
    await end();
    assert.deepEqual(
      shop.log(id).filter(({ level }) => level === "error"),
      [],
    );
  });

  test("is none for a process that was not started yet, whose deletion ends who waits for it", {
    skip,
  }, async () => {
    const id = "unstarted";
    const { task, end } = await running(id);
    const exec = { id, execId: "e1" };
    await task.exec({ ...exec, spec: processSpec(["true"]) });
    await refused(task.kill({ ...exec, signal: 9 }), StatusCode.failedPrecondition, /not created: e1/);
    const waiting = refused(task.wait(exec), StatusCode.notFound, /e1 was deleted and has not run/);
    const { pid, exitStatus, exitedAt } = await task.delete(exec);
    assert.deepEqual([pid, exitStatus, exitedAt], [0, 0, null]);
    await waiting;
    await end();
  });
});
