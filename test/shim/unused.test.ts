import assert from "node:assert/strict";
import fs from "node:fs";
import { describe, test } from "node:test";
import { sleep } from "../../src/base/deadline.ts";
import { deferred } from "../../src/base/deferred.ts";
import { Unused } from "../../src/shim/unused.ts";
import { noContainers, Workshop } from "./harness.ts";

const LIMIT_MS = 200;

/** A server that counts as unused after a short time, and whether it has been told so. */
function scene(isNeeded: () => boolean = () => false) {
  const told = deferred();
  let times = 0;
  const unused = new Unused({
    limitMs: LIMIT_MS,
    isNeeded,
    onUnused: () => {
      times += 1;
      told.resolve();
    },
  });
  // As a server's socket does: nothing else keeps this process from its end.
  const loop = setInterval(() => {}, 1_000);
  return { unused, told: told.promise.finally(() => clearInterval(loop)), times: () => times };
}

describe("a server that nobody uses", () => {
  test("is told of once, when the limit is over", async () => {
    const begun = performance.now();
    const { told, times } = scene();
    await told;
    // A lower bound, as the clock of timers has it.
    assert.ok(performance.now() - begun >= LIMIT_MS - 1);
    await sleep(3 * LIMIT_MS);
    assert.equal(times(), 1);
  });

  test("is one only so long after the last call", async () => {
    const { unused, told } = scene();
    let last = 0;
    for (let n = 0; n < 15; n += 1) {
      await sleep(LIMIT_MS / 10);
      unused.called();
      last = performance.now();
    }
    await told;
    assert.ok(performance.now() - last >= LIMIT_MS - 1);
  });

  test("is none while it is needed", async () => {
    let isNeeded = true;
    const { told, times } = scene(() => isNeeded);
    await sleep(3 * LIMIT_MS);
    assert.equal(times(), 0);
    isNeeded = false;
    await told;
  });

  test("is not told of once it was stopped", async () => {
    const { unused, times } = scene();
    unused.stop();
    await sleep(3 * LIMIT_MS);
    assert.equal(times(), 0);
  });
});

describe("a shim that nobody uses", () => {
  const shop = new Workshop();
  const skip = noContainers;
  const env = { EBB_UNUSED_MS: "2000" };

  test("ends where no container was ever made", { skip }, async () => {
    const bundle = await shop.bundle("unused", ["true"]);
    const shim = await shop.launch(bundle, env);
    await shim.connection.closed;
    assert.equal(fs.existsSync(shim.socketPath ?? ""), false);
    const told = shop.log("unused").map(({ level, msg }) => `${level} ${msg}`);
    assert.deepEqual(told, ["warn there is no container, and nobody has called: the shim ends"]);
  });

  test("ends where its container was deleted, and not before", { skip }, async () => {
    const id = "unused-later";
    const { task, shim } = await shop.create(id, { args: ["sleep", "1000"] }, env);
    await task.start({ id });
    await sleep(5_000);
    await task.kill({ id, signal: 9 });
    await task.wait({ id });
    await task.delete({ id });
    await shim.connection.closed;
    assert.equal(fs.existsSync(shim.socketPath ?? ""), false);
    assert.equal(shop.history(id).at(-1), "/tasks/delete 137");
  });
});
