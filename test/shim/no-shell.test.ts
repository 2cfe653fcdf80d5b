import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { programPath } from "../support/shim-process.ts";
import { DATA_BYTES, dirtyContainer, ended, hasEnded, STATUS } from "./dirty-container.ts";
import { noContainers, Workshop } from "./harness.ts";
import { shimOnHostWith } from "./odd-host.ts";

const shop = new Workshop();
const skip = noContainers || (whyNoSlowDisk() ?? false);

/** What is in the place of a program there, which nobody can run. */
const UNUSABLE = "/etc/passwd";

/** How much of a program's name the kernel keeps: proc_pid_comm(5). */
const COMM_LENGTH = 15;

describe("deleting a container with unwritten data on a host without", () => {
  let disk: SlowDisk;
  before(async () => {
    if (skip === false) disk = await makeSlowDisk();
  });
  afterEach(() => disk?.lift());
  after(() => disk?.dispose());

  const rows: [title: string, missing: string, helper: string][] = [
    [
      "a shell has our own executable as its helper",
      "/bin/sh",
      path.basename(programPath).slice(0, COMM_LENGTH),
    ],
    ["flock takes no turns", "/usr/bin/flock", "sh"],
  ];
  for (const [title, missing, helperIs] of rows) {
    const noProgram = skip === false && !fs.existsSync(missing) ? `needs ${missing}, to hide it` : skip;
    test(`${title}; nobody waits, and the data comes through`, { skip: noProgram }, async () => {
      const id = `without-${path.basename(missing)}`;
      const binary = shimOnHostWith(shop.dir, { [missing]: UNUSABLE });
      const { task, shim, helpers, written, assertDurable } = await dirtyContainer(shop, disk, id, {
        binary,
      });
      const { shimPid } = await task.connect({ id });
      assert.equal((await task.delete({ id })).exitStatus, STATUS);
      const [helper = 0] = helpers();
      // Not its command line: it may have ended but for the thread that syncs, and then has none any more.
      assert.equal(fs.readFileSync(`/proc/${helper}/comm`, "utf8").trim(), helperIs);
      await task.shutdown({ id });
      await shim.connection.closed;
      await ended("the shim", [shimPid]);
      assert.ok(!hasEnded(helper), "the helper ended before the sync");
      assert.ok(written() < DATA_BYTES, "Delete waited for the disk");
      assert.deepEqual(helpers(), [helper]);
      disk.lift();
      await ended("the helper", [helper]);
      assert.deepEqual(helpers(), []);
      await assertDurable();
    });
  }
});
