import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { helperActivity } from "../../src/rootfs/helper-activity.ts";
import { assertIntact, dirtyContainer, ended, hasEnded, STATUS } from "./dirty-container.ts";
import { noContainers, Workshop } from "./harness.ts";

const shop = new Workshop();
const skip = noContainers || (whyNoSlowDisk() ?? false);
const IDS = Array.from({ length: 20 }, (_, n) => `many-${n}`);

describe("twenty containers, each in a shim of its own, with unwritten data on one disk", () => {
  let disk: SlowDisk;
  let other: SlowDisk;
  before(async () => {
    if (skip !== false) return;
    disk = await makeSlowDisk();
    other = await makeSlowDisk();
  });
  after(async () => {
    for (const one of [disk, other]) {
      one?.lift();
      await one?.dispose();
    }
  });

  test("are deleted at once; one helper at a time syncs, and that of another disk does not wait", {
    skip,
  }, async () => {
    const made = [];
    for (const id of IDS) made.push({ id, ...(await dirtyContainer(shop, disk, id, { slow: false })) });
    disk.throttle(1);
    const shimPids = await Promise.all(
      made.map(async ({ id, task }) => (await task.connect({ id })).shimPid),
    );
    const answers = await Promise.all(made.map(({ id, task }) => task.delete({ id })));
    assert.ok(answers.every(({ exitStatus }) => exitStatus === STATUS));
    for (const { bundle } of made) assert.deepEqual(shop.traces(bundle), []);
    await Promise.all(made.map(({ id, task }) => task.shutdown({ id })));
    await ended("the shims", shimPids);

    const helpers = made.flatMap((one) => one.helpers());
    assert.equal(helpers.length, IDS.length);
    const doing = async (what: string) => {
      const found = await Promise.all(helpers.map((pid) => helperActivity(pid)));
      return found.filter((one) => one?.activity === what).length;
    };
    const oneSyncs = () =>
      until("one to sync while the others wait", async () =>
        (await doing("syncing")) === 1 && (await doing("waiting")) === IDS.length - 1 ? true : undefined,
      );
    await oneSyncs();

    const elsewhere = await dirtyContainer(shop, other, "elsewhere");
    await elsewhere.task.delete({ id: "elsewhere" });
    const [helper = 0] = elsewhere.helpers();
    other.lift();
    await ended("the helper of the other disk", [helper]);
    await elsewhere.assertDurable();
    await oneSyncs();
    assert.equal(helpers.filter(hasEnded).length, 0);

    disk.lift();
    await ended("the helpers", helpers);
    assert.deepEqual(shop.pending(), []);
    for (const { upper } of made) assertIntact(upper);
  });
});
