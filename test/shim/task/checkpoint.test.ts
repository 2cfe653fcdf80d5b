import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode } from "../../../src/base/status.ts";
import { containerd } from "../../../src/proto/index.ts";
import { descriptors, fakeRuntime, processSpec, runExec, wholeStory } from "../exec-scene.ts";
import { noContainers, refused, Workshop } from "../harness.ts";

const SIGKILL = 9;
const { Status } = containerd.v1.types;
const { CheckpointOptions } = containerd.runc.v1;
const shop = new Workshop();
const skip = noContainers;

/** A container of a fake runtime, and an image of it. */
async function faked(name: string, commands: Readonly<Record<string, unknown>> = {}) {
  const fake = fakeRuntime(shop, name, commands);
  const image = path.join(fake.dir, "image");
  const made = await shop.create(name, { options: fake.options, rootfs: [] });
  const called = (command: string) =>
    fake.calls().flatMap((argv) => (argv.includes(command) ? [argv.slice(argv.indexOf(command))] : []));
  return { ...made, ...fake, image, called };
}

/** What the daemon sends with Checkpoint. */
function options(given: containerd.runc.v1.ICheckpointOptions) {
  const value = CheckpointOptions.encode(given).finish();
  return { typeUrl: "containerd.runc.v1.CheckpointOptions", value };
}

/** Kills and deletes a container; what was told of it. */
async function end(task: Awaited<ReturnType<typeof faked>>["task"], id: string): Promise<string[]> {
  await task.kill({ id, signal: SIGKILL });
  await task.wait({ id });
  await task.delete({ id });
  return await wholeStory(shop, id);
}

describe("a checkpoint", () => {
  test("is written with what the options say, and the container runs on", { skip }, async () => {
    const id = "written";
    const { bundle, task, image, called } = await faked(id);
    await refused(
      task.checkpoint({ id, path: image }),
      StatusCode.failedPrecondition,
      /checkpoint a created/,
    );
    await task.start({ id });
    await task.checkpoint({ id, path: image, options: options({ openTcp: true, fileLocks: true }) });
    const work = path.join(bundle.path, "work/criu-work");
    const flags = ["--tcp-established", "--file-locks", "--leave-running"];
    const paths = ["--image-path", image, "--work-path", work];
    assert.deepEqual(called("checkpoint"), [["checkpoint", ...paths, ...flags, id]]);
    assert.ok(!fs.existsSync(work));
    assert.equal((await task.state({ id })).status, Status.RUNNING);
    await refused(task.checkpoint({ id }), StatusCode.invalidArgument, /needs a path for its image/);
    const told = await end(task, id);
    assert.deepEqual(told, [
      "create init",
      "start init",
      "checkpointed init",
      "exit init 137",
      "delete init",
    ]);
    assert.deepEqual(shop.traces(bundle), []);
  });

  test("may end the container, which the runtime has forgotten then", { skip }, async () => {
    const id = "ending";
    const { task, image } = await faked(id);
    await task.start({ id });
    const workPath = path.join(path.dirname(image), "work");
    await task.checkpoint({ id, path: image, options: options({ exit: true, workPath }) });
    assert.equal((await task.wait({ id })).exitStatus, 137);
    assert.ok(fs.existsSync(workPath));
    await refused(
      task.checkpoint({ id, path: image }),
      StatusCode.failedPrecondition,
      /checkpoint a stopped/,
    );
    await task.delete({ id });
    assert.deepEqual((await wholeStory(shop, id)).slice(-1), ["delete init"]);
  });

  test("that fails leaves criu's log in the bundle, says where, and is not told", { skip }, async () => {
    const id = "failing";
    const { bundle, task, image, act } = await faked(id);
    await task.start({ id });
    const workPath = path.join(path.dirname(image), "criu");
    fs.mkdirSync(workPath);
    fs.writeFileSync(path.join(workPath, "dump.log"), "no such feature");
    act({ checkpoint: { fail: "criu failed: type NOTIFY errno 0" } });
    const log = path.join(bundle.path, "criu-dump.log");
    const call = task.checkpoint({ id, path: image, options: options({ workPath }) });
    await refused(call, StatusCode.unknown, new RegExp(`errno 0 .*, see ${log}`));
    assert.equal(fs.readFileSync(log, "utf8"), "no such feature");
    act({});
    assert.ok(!(await end(task, id)).includes("checkpointed init"));
  });
});

describe("a container from a checkpoint", () => {
  /** The image of a container that has ended. */
  async function imageOf(name: string) {
    const { task, image, options, called, act } = await faked(name);
    await task.start({ id: name });
    await task.checkpoint({ id: name, path: image });
    await end(task, name);
    return { image, options, called, act };
  }

  test("comes to be at its start, and answers and events say so", { skip }, async () => {
    const id = "restored";
    const { image, options, called } = await imageOf("original");
    const { bundle, task, shim, pid } = await shop.create(id, { options, rootfs: [], checkpoint: image });
    assert.equal(pid, 0);
    const state = await task.state({ id });
    assert.deepEqual([state.status, state.pid], [Status.CREATED, 0]);
    assert.deepEqual((await task.pids({ id })).processes, []);
    const early = task.exec({ id, execId: "e1", spec: processSpec(["true"]) });
    await refused(early, StatusCode.failedPrecondition, /container restored is not restored yet/);
    await refused(task.kill({ id, signal: 9 }), StatusCode.failedPrecondition, /process not created/);
    const started = await task.start({ id });
    assert.ok(started.pid > 1);
    assert.deepEqual(called("restore"), [
      [
        ...["restore", "--bundle", bundle.path, "--pid-file", path.join(bundle.path, "init.pid")],
        ...["--image-path", image, "--work-path", path.join(bundle.path, "work")],
        ...["--detach", "--no-subreaper", id],
      ],
    ]);
    assert.equal((await task.state({ id })).status, Status.RUNNING);
    assert.equal((await shim.task.connect({ id })).taskPid, started.pid);
    await runExec({ task }, id, "e1", ["true"]);
    await task.wait({ id, execId: "e1" });
    await end(task, id);
    const events = shop.events.received.flatMap((event) => ("event" in event ? [event.event] : []));
    const created = events.find((event) => event.containerId === id && "checkpoint" in event);
    assert.equal((created as containerd.events.ITaskCreate | undefined)?.checkpoint, image);
    assert.deepEqual(await wholeStory(shop, id), [
      "create init",
      "start init",
      ...["exec-added e1", "exec-started e1", "exit e1 0"],
      "exit init 137",
      "delete init",
    ]);
  });

  test("that cannot be restored says why, can be tried again, and can be deleted", { skip }, async () => {
    const id = "stubborn";
    const { image, options, act } = await imageOf("stubborn-original");
    const { bundle, task, shim } = await shop.create(id, { options, rootfs: [], checkpoint: image });
    act({ restore: { fail: "criu failed: type RESTORE errno 22" } });
    const before = await descriptors(shim);
    for (let n = 0; n < 3; n += 1) {
      await refused(task.start({ id }), StatusCode.unknown, /OCI runtime restore failed: .*errno 22/);
    }
    assert.ok((await descriptors(shim)) <= before);
    assert.equal((await task.state({ id })).status, Status.CREATED);
    const waiting = refused(task.wait({ id }), StatusCode.notFound, /stubborn was deleted and has not run/);
    const { pid, exitStatus } = await task.delete({ id });
    assert.deepEqual([pid, exitStatus], [0, 0]);
    await waiting;
    assert.deepEqual(await wholeStory(shop, id), ["create init", "delete init"]);
    assert.deepEqual(shop.traces(bundle), []);
  });

  for (const [title, image, code, message] of [
    [
      "is not there",
      "/no/such/image",
      StatusCode.notFound,
      /checkpoint \/no\/such\/image: no such directory/,
    ],
    ["is a relative path", "image", StatusCode.invalidArgument, /checkpoint image: not an absolute path/],
  ] as const) {
    test(`that ${title} is refused by Create`, { skip }, async () => {
      const id = `image-${image.length}`;
      const bundle = await shop.bundle(id, ["true"]);
      const { task } = await shop.launch(bundle);
      const call = task.create({ id, bundle: bundle.path, rootfs: [shop.overlay(id)], checkpoint: image });
      await refused(call, code, message);
      assert.deepEqual(shop.traces(bundle), []);
    });
  }
});
