import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { CommandResult } from "../../lab/command.ts";
import { haveWritten, writer } from "../../lab/dirty-data.ts";
import { processes, settledLeftovers, snapshotLeftovers } from "../../lab/leftovers.ts";
import { readFromDisk } from "../../lab/read-from-disk.ts";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { CONTROL, EBB, type Runtime } from "./runtimes.ts";
import { killContainer, runArgs, type Scene, startScene, stateIn } from "./scene.ts";

const MEBIBYTE = 1 << 20;
const DATA = 24 * MEBIBYTE;
const LIMIT = 4 * MEBIBYTE;
/** Leaves the data's digest beside it. */
const WRITER = writer(DATA / MEBIBYTE, "sha256sum /data > /sum");

const noDisk = whyNoSlowDisk() ?? false;

/** What was seen while a container with much unwritten data was deleted. */
interface Deletion {
  readonly delete: CommandResult;
  /** `ctr task ls`, called while the disk was being synced or the deletion was under way. */
  readonly list: CommandResult;
  /** How much the disk had taken of the container's data when the deletion was answered, in bytes. */
  readonly writtenAtAnswer: number;
}

describe("a container whose root file system is on a slow disk", () => {
  let disk: SlowDisk;
  let scene: Scene;
  before(async () => {
    if (CONTROL.skip !== false || noDisk !== false) return;
    disk = await makeSlowDisk();
    // Only the layers: containerd's own files would wait for the disk whatever a shim does.
    scene = await startScene({ snapshots: path.join(disk.mountPoint, "snapshots") });
  });
  after(async () => {
    disk?.lift();
    await scene?.dispose();
    await disk?.dispose();
  });

  /** Runs a container that writes its data, kills it, and deletes its task with the disk throttled. */
  async function deleteWithUnwrittenData(runtime: Runtime, id: string): Promise<Deletion> {
    const { containerd } = scene;
    const flags = disk.cgroup === undefined ? ["-d"] : ["-d", "--cgroup", `/${disk.cgroup}/${id}`];
    await containerd.mustCtr(runArgs(runtime, flags, id, ...WRITER));
    disk.throttle(LIMIT);
    await haveWritten(containerd, [id]);
    await killContainer(containerd, id);

    const before = disk.writtenBytes();
    const written = () => disk.writtenBytes() - before;
    let answered = false;
    const deletion = containerd.ctr(["task", "rm", id]).then((result) => {
      answered = true;
      return { delete: result, writtenAtAnswer: written() };
    });
    await until("the disk to be written", () => (answered || written() > 0 ? true : undefined));
    const list = await containerd.ctr(["task", "ls"]);
    return { ...(await deletion), list };
  }

  /** The container's data as it is on the disk, once it was all written: its digest there and when it was made. */
  async function readBack(id: string): Promise<[string, string]> {
    const upper = findUpper(path.join(disk.mountPoint, "snapshots/snapshots"), id);
    const sum = readFileSync(path.join(upper, "sum"), "utf8").slice(0, 64);
    return [
      createHash("sha256")
        .update(readFromDisk(path.join(upper, "data")))
        .digest("hex"),
      sum,
    ];
  }

  function report(runtime: Runtime, id: string, { delete: deletion, list, writtenAtAnswer }: Deletion): void {
    const mebibytes = (writtenAtAnswer / MEBIBYTE).toFixed(1);
    console.log(
      `${runtime.name}: task rm ${deletion.ms.toFixed(0)} ms with ${mebibytes} of 24 MiB written; ` +
        `task ls meanwhile ${list.ms.toFixed(0)} ms, ${stateIn(list.stdout, id) ?? "no longer listed"}`,
    );
  }

  test("holds up Delete and State of containerd's own shim: the control", {
    skip: CONTROL.skip || noDisk,
  }, async () => {
    const id = "go-slow";
    const seen = await deleteWithUnwrittenData(CONTROL, id);
    report(CONTROL, id, seen);
    disk.lift();
    assert.equal(seen.delete.exitCode, 0);
    assert.ok(seen.writtenAtAnswer >= DATA, "Delete answered before the data was written");
    assert.equal(stateIn(seen.list.stdout, id), "UNKNOWN");
    await scene.containerd.mustCtr(["container", "rm", id]);
  });

  test("holds up nothing with ebb, and every byte is written in the end", {
    skip: EBB.skip || noDisk,
  }, async () => {
    const { containerd } = scene;
    const id = "ebb-slow";
    const scope = containerd.scope([id]);
    const clean = snapshotLeftovers(scope);
    const before = disk.writtenBytes();
    const seen = await deleteWithUnwrittenData(EBB, id);
    report(EBB, id, seen);
    assert.equal(seen.delete.exitCode, 0, seen.delete.stderr);
    assert.ok(seen.writtenAtAnswer < DATA, "Delete waited for the data to be written");
    assert.ok([undefined, "STOPPED"].includes(stateIn(seen.list.stdout, id)), seen.list.stdout);

    disk.lift();
    await until("the data to be written", () => (disk.writtenBytes() - before >= DATA ? true : undefined));
    // Whoever lets the root file system go ends with the sync.
    await until("the shim and its helper to end", () => (processes(scope).length === 0 ? true : undefined));
    const [onDisk, made] = await readBack(id);
    assert.equal(onDisk, made);
    await containerd.mustCtr(["container", "rm", id]);
    assert.deepEqual(await settledLeftovers(scope, clean), []);
  });
});

/** The upper directory of a container's snapshot: the one that holds its data. */
function findUpper(snapshots: string, id: string): string {
  const uppers = readdirSync(snapshots).map((name) => path.join(snapshots, name, "fs"));
  const upper = uppers.find((directory) => readdirSync(directory).includes("data"));
  assert.ok(upper !== undefined, `no snapshot holds the data of ${id}`);
  return upper;
}
