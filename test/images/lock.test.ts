import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode, StatusError } from "../../src/base/status.ts";
import { Lock } from "../../src/images/lock.ts";
import { status } from "../support/status.ts";
import { startChild } from "./child.ts";
import { settle } from "./samples.ts";
import { filesBelow, scratch } from "./scratch.ts";

const make = scratch();
const fileIn = (dir: string) => path.join(dir, "locks/one.lock");

describe("a lock", () => {
  test("is had by one, until it is given back", async () => {
    const dir = make();
    const [one, other] = [new Lock(fileIn(dir)), new Lock(fileIn(dir))];
    const taken = await one.take();
    assert.equal(taken.isOurs, true);
    assert.deepEqual(await other.take(), { owner: taken.owner, isOurs: false });
    assert.deepEqual(await other.holder(), taken.owner);
    await one.release();
    assert.equal(await other.holder(), undefined);
    assert.equal((await other.take()).isOurs, true);
    await other.release();
    assert.deepEqual(filesBelow(dir), []);
  });

  test("can be read by its owner alone", async () => {
    const dir = make();
    await new Lock(fileIn(dir)).take();
    assert.equal(fs.statSync(path.dirname(fileIn(dir))).mode & 0o777, 0o700);
  });

  test("is never had by two, however many want it", async () => {
    const dir = make();
    let holders = 0;
    let turns = 0;
    const turn = async () => {
      const lock = new Lock(fileIn(dir));
      await lock.takeInTurn();
      holders += 1;
      assert.equal(holders, 1);
      await new Promise((resolve) => setImmediate(resolve));
      holders -= 1;
      turns += 1;
      await lock.release();
    };
    await Promise.all(Array.from({ length: 12 }, turn));
    assert.equal(turns, 12);
    assert.deepEqual(filesBelow(dir), []);
  });

  test("is waited for no longer than somebody wants", async () => {
    const dir = make();
    await new Lock(fileIn(dir)).take();
    const controller = new AbortController();
    const waiting = new Lock(fileIn(dir)).takeInTurn(controller.signal);
    await settle();
    controller.abort(new StatusError(StatusCode.cancelled, "enough"));
    await assert.rejects(waiting, status(StatusCode.cancelled, /enough/));
  });

  test("has no data on the disk, which would be waited for by who removes it", async () => {
    const dir = make();
    await new Lock(fileIn(dir)).take();
    assert.equal(fs.lstatSync(fileIn(dir)).blocks, 0);
  });

  const leftovers: [what: string, leave: (file: string) => void][] = [
    ["a process of another boot", (file) => fs.symlinkSync(`${process.pid}.1.1@0123456789abcdef`, file)],
    ["what is none", (file) => fs.symlinkSync("elsewhere", file)],
    ["a file", (file) => fs.writeFileSync(file, "")],
  ];
  for (const [what, leave] of leftovers) {
    test(`is taken over from ${what}`, async () => {
      const dir = make();
      fs.mkdirSync(path.dirname(fileIn(dir)));
      leave(fileIn(dir));
      const lock = new Lock(fileIn(dir));
      assert.equal(await lock.holder(), undefined);
      assert.equal((await lock.take()).isOurs, true);
      await lock.release();
      assert.deepEqual(filesBelow(dir), []);
    });
  }

  test("of a killed process is taken over by one of all who wait, also where a taker was killed, too", async () => {
    const dir = make();
    const dead = startChild("lock-main", fileIn(dir));
    assert.equal(await dead.line(), "taken");
    const name = fs.readlinkSync(fileIn(dir)).split("@")[0];
    // What a process leaves that is killed while it takes over.
    const taker = startChild("lock-main", `${fileIn(dir)}.after.${name}`);
    assert.equal(await taker.line(), "taken");
    await dead.kill();
    const others = [1, 2, 3].map(() => new Lock(fileIn(dir)).take());
    await settle();
    await taker.kill();
    const found = await Promise.all(others);
    assert.equal(found.filter(({ isOurs }) => isOurs).length, 1);
    await new Lock(fileIn(dir)).release();
    assert.deepEqual(filesBelow(dir), []);
  });
});
