import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { deferred } from "../../../src/base/deferred.ts";
import { readProcessStat } from "../../../src/linux/process-stat.ts";
import { type Place, placeOf } from "../../../src/shim/standby/kind.ts";
import { encodeOrder } from "../../../src/shim/standby/order.ts";
import { takeStandby } from "../../../src/shim/standby/take.ts";
import { waitForOrder } from "../../../src/shim/standby/wait-for-order.ts";
import { makeTempDir } from "../../support/files.ts";

const identityOf = (pid: number) => ({ pid, startTime: readProcessStat(pid)?.startTime ?? 0 });
const ORDER = { args: ["-id", "next"], bundle: "/bundle" };

describe("waiting for an order", () => {
  let temp: ReturnType<typeof makeTempDir>;
  let folder = "";
  let place: Place;
  let signalled = deferred<string>();
  before(() => {
    temp = makeTempDir();
  });
  after(() => temp.remove());
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(temp.dir, "kind-"));
    place = placeOf(folder, 7);
    signalled = deferred<string>();
  });

  /** A server at the place that waits; that its socket does not listen is nothing to it. */
  function waiting(options: { readonly limitMs?: number; readonly daemon?: number } = {}) {
    fs.writeFileSync(place.socket, "");
    const { limitMs = 60_000, daemon = process.pid } = options;
    const order = waitForOrder(place, { daemon: identityOf(daemon), signalled: signalled.promise, limitMs });
    return { order };
  }

  test("ends with the order of who has taken the server", async () => {
    const { order } = waiting();
    const taken = takeStandby(folder, path.join(temp.dir, `group-${path.basename(folder)}`), encoded());
    taken?.begin();
    assert.deepEqual(await order, ORDER);
    assert.deepEqual(fs.readdirSync(folder), []);
  });

  test("ends with the limit, and the place and its folder are gone", async () => {
    assert.equal(await waiting({ limitMs: 30 }).order, undefined);
    assert.equal(fs.existsSync(folder), false);
  });

  test("ends by a signal", async () => {
    const { order } = waiting();
    signalled.resolve("SIGTERM");
    assert.equal(await order, undefined);
    assert.equal(fs.existsSync(folder), false);
  });

  test("ends with an order that has come before the signal, which is the server's to heed", async () => {
    const { order } = waiting();
    fs.writeFileSync(place.orders, encoded());
    signalled.resolve("SIGTERM");
    assert.deepEqual(await order, ORDER);
  });

  test("ends by what is no order", async () => {
    const { order } = waiting();
    fs.writeFileSync(place.orders, "garbage");
    assert.equal(await order, undefined);
    assert.equal(fs.existsSync(folder), false);
  });

  test("ends when the daemon has", async () => {
    const daemon = spawn("sleep", ["1000"]);
    const { order } = waiting({ daemon: daemon.pid ?? 0 });
    daemon.kill("SIGKILL");
    assert.equal(await order, undefined);
    assert.equal(fs.existsSync(folder), false);
  });

  test("goes on past the limit while an order is on its way", async () => {
    const { order } = waiting({ limitMs: 200 });
    const taken = takeStandby(folder, path.join(temp.dir, `late-${path.basename(folder)}`), encoded());
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    taken?.begin();
    assert.deepEqual(await order, ORDER);
  });

  test("ends by itself where who has taken the server was killed, of which nothing is left either", async () => {
    const { order } = waiting({ limitMs: 10 });
    fs.renameSync(place.socket, `${place.socket}.123`);
    assert.equal(await order, undefined);
    assert.equal(fs.existsSync(folder), false);
  });

  test("leaves others that wait in the folder alone", async () => {
    const other = placeOf(folder, 77);
    for (const file of [other.socket, other.orders]) fs.writeFileSync(file, "");
    assert.equal(await waiting({ limitMs: 10 }).order, undefined);
    assert.deepEqual(fs.readdirSync(folder).sort(), ["77", "77.orders"]);
  });
});

function encoded(): Uint8Array {
  const bytes = encodeOrder(ORDER);
  assert.ok(bytes !== undefined);
  return bytes;
}
