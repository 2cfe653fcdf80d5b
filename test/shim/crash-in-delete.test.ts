import assert from "node:assert/strict";
import fs from "node:fs";
import { after, afterEach, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { dirtyContainer, ended, hasEnded, STATUS } from "./dirty-container.ts";
import { noContainers, Workshop } from "./harness.ts";

const shop = new Workshop();
const skip = noContainers || (whyNoSlowDisk() ?? false);
const source = (file: string) =>
  fs.readFileSync(fileURLToPath(new URL(`../../src/${file}`, import.meta.url)), "utf8");
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name = ""]) => name);

/** Read from the code, so that a step that is new is tested as well: the steps of Delete, and the points of a release. */
const STEPS = all(source("shim/task/init.ts"), /\{ name: "([^"]+)", run:/g);
const RELEASE_POINTS = all(source("rootfs/release-round.ts"), /faultPoint\("([^"]+)"\)/g);
const POINTS = [...STEPS.flatMap((name) => [`before ${name}`, `after ${name}`]), ...RELEASE_POINTS];

test("the points at which a shim can die in Delete are found in the code", () => {
  assert.ok(STEPS.includes("runc delete") && STEPS.includes("detach rootfs"), STEPS.join());
  assert.ok(RELEASE_POINTS.includes("release: detached"), RELEASE_POINTS.join());
  const folder = fileURLToPath(new URL("../../src", import.meta.url));
  const files = fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /^(shim|rootfs|oci|linux)\/.*\.ts$/.test(name));
  const using = files.filter((name) => /^ +faultPoint\(/m.test(source(name)));
  assert.deepEqual(using.sort(), ["rootfs/release-round.ts", "shim/steps.ts"]);
});

describe("a shim that is killed in Delete leaves what the `delete` command brings back to clean", () => {
  let disk: SlowDisk;
  before(async () => {
    if (skip === false) disk = await makeSlowDisk();
  });
  afterEach(() => disk?.lift());
  after(() => disk?.dispose());

  for (const [index, point] of POINTS.entries()) {
    test(point, { skip }, async () => {
      const id = `crash-${index}`;
      const env = { EBB_FAULT_POINT: point };
      const { bundle, shim, task, upper, assertDurable } = await dirtyContainer(shop, disk, id, { env });
      const { shimPid } = await task.connect({ id });
      await assert.rejects(task.delete({ id }), "the shim did not come to this point");
      await until("the shim to die", () => (hasEnded(shimPid) ? true : undefined));

      const { exitStatus, warnings } = await shop.deleteDead(bundle);
      assert.deepEqual([exitStatus, warnings], [STATUS, ""]);
      assert.deepEqual(shop.traces(bundle), []);
      assert.equal(fs.existsSync(shim.socketPath ?? ""), false, "the socket is still there");
      const mine = () => shop.pending().filter(({ source }) => source === upper);
      const helpers = mine().map(({ helper }) => helper.pid);
      disk.lift();
      await ended("the helpers", helpers);
      assert.deepEqual(mine(), []);
      await assertDurable();
      // As often as anybody likes, and with the same answer.
      assert.equal((await shop.deleteDead(bundle)).exitStatus, STATUS);
    });
  }
});
