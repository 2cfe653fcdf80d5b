import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { deferred } from "../../src/base/deferred.ts";
import { StatusCode, StatusError } from "../../src/base/status.ts";
import { singleFlight } from "../../src/images/single-flight.ts";
import { status } from "../support/status.ts";
import { type Child, startChild } from "./child.ts";
import { settle } from "./samples.ts";
import { filesBelow, scratch } from "./scratch.ts";

const make = scratch();

/** Work that ends when it is told to, and counts how often it was begun. */
function workload() {
  const end = deferred<string>();
  const signals: AbortSignal[] = [];
  const work = (signal: AbortSignal) => {
    signals.push(signal);
    return end.promise;
  };
  return {
    end,
    work,
    signals,
    begun: () => until("the work", () => (signals.length > 0 ? true : undefined)),
  };
}

describe("one flight in a process", () => {
  test("does the work once for all who ask, and leaves nothing", async () => {
    const dir = make();
    const { end, work, signals } = workload();
    const all = Array.from({ length: 20 }, () => singleFlight(dir, "key", work));
    await settle();
    end.resolve("done");
    assert.deepEqual(await Promise.all(all), Array(20).fill("done"));
    assert.equal(signals.length, 1);
    assert.deepEqual(filesBelow(dir), []);
  });

  test("gives all the same error, and later ones a new attempt", async () => {
    const dir = make();
    const { end, work, signals, begun } = workload();
    const all = Array.from({ length: 3 }, () => singleFlight(dir, "key", work));
    await begun();
    end.reject(new StatusError(StatusCode.unavailable, "no"));
    const found = await Promise.allSettled(all);
    assert.deepEqual(
      new Set(found.map((one) => one.status === "rejected" && one.reason.message)),
      new Set(["no"]),
    );
    assert.equal(await singleFlight(dir, "key", async () => "yes"), "yes");
    assert.equal(signals.length, 1);
  });

  test("is another for another key, and for another directory", async () => {
    const [one, two] = [make(), make()];
    const { end, work } = workload();
    const held = singleFlight(one, "key", work);
    assert.equal(await singleFlight(one, "other", async () => 1), 1);
    assert.equal(await singleFlight(two, "key", async () => 2), 2);
    end.resolve("");
    await held;
  });

  test("goes on when one who waits leaves, who leaves at once", async () => {
    const { end, work, signals, begun } = workload();
    const dir = make();
    const controller = new AbortController();
    const first = singleFlight(dir, "key", work);
    const second = singleFlight(dir, "key", work, { signal: controller.signal });
    await begun();
    controller.abort(new StatusError(StatusCode.cancelled, "enough"));
    await assert.rejects(second, status(StatusCode.cancelled, /^enough$/));
    assert.equal(signals[0]?.aborted, false);
    end.resolve("done");
    assert.equal(await first, "done");
  });

  test("goes on when the one leaves who asked first", async () => {
    const { end, work, signals, begun } = workload();
    const dir = make();
    const controller = new AbortController();
    const first = singleFlight(dir, "key", work, { signal: controller.signal });
    const second = singleFlight(dir, "key", work);
    await begun();
    controller.abort(new StatusError(StatusCode.cancelled, "enough"));
    await assert.rejects(first, status(StatusCode.cancelled, /^enough$/));
    end.resolve("done");
    assert.equal(await second, "done");
    assert.equal(signals.length, 1);
  });

  test("is begun anew by one who waits where the work ends with the one who asked first", async () => {
    const dir = make();
    const controller = new AbortController();
    const begun = deferred();
    const first = singleFlight(
      dir,
      "key",
      () =>
        new Promise<string>((_, reject) => {
          controller.signal.addEventListener("abort", () => reject(controller.signal.reason));
          begun.resolve();
        }),
      { signal: controller.signal },
    );
    const second = singleFlight(dir, "key", async () => "by the second");
    await begun.promise;
    controller.abort(new StatusError(StatusCode.deadlineExceeded, "too long"));
    await assert.rejects(first, status(StatusCode.deadlineExceeded, /too long/));
    assert.equal(await second, "by the second");
  });

  test("is aborted when all have left, and a new one waits for its end", async () => {
    const { end, work, signals, begun } = workload();
    const dir = make();
    const controller = new AbortController();
    const { signal } = controller;
    const both = [singleFlight(dir, "key", work, { signal }), singleFlight(dir, "key", work, { signal })];
    await begun();
    controller.abort(new StatusError(StatusCode.cancelled, "enough"));
    assert.equal(
      (await Promise.allSettled(both)).every((one) => one.status === "rejected"),
      true,
    );
    assert.equal(signals[0]?.aborted, true);
    let isDone = false;
    const next = singleFlight(dir, "key", async () => {
      isDone = true;
      return "next";
    });
    await settle();
    assert.equal(isDone, false);
    end.reject(new StatusError(StatusCode.internal, "in the middle of it"));
    assert.equal(await next, "next");
    assert.deepEqual(filesBelow(dir), []);
  });

  test("is not begun for somebody who has left already", async () => {
    const signal = AbortSignal.abort(new StatusError(StatusCode.cancelled, "before"));
    const work = () => assert.fail("begun");
    await assert.rejects(
      singleFlight(make(), "key", work, { signal }),
      status(StatusCode.cancelled, /before/),
    );
  });

  test("tells where its lock cannot be", async () => {
    const file = path.join(make(), "file");
    fs.writeFileSync(file, "");
    const work = () => assert.fail("begun");
    await assert.rejects(
      singleFlight(file, "key", work),
      status(StatusCode.alreadyExists, /cannot make .*file: EEXIST/),
    );
  });
});

describe("one flight of several processes", () => {
  /** Starts processes that want the same, of which the first does it and the others wait. */
  async function start(count: number, end: string) {
    const dir = make();
    const notes = make();
    const first = startChild("flight-main", dir, notes, end);
    assert.equal(await first.line(), "begun");
    const others = Array.from({ length: count - 1 }, () => startChild("flight-main", dir, notes, "value"));
    const isWaiting = (name: string) => name.endsWith(".waiting");
    const waiting = () => filesBelow(dir).filter(isWaiting).length === others.length;
    await until("all who wait", () => waiting() || undefined);
    const endWork = () => fs.writeFileSync(path.join(notes, "end"), "");
    const begun = () => fs.readFileSync(path.join(notes, "begun"), "utf8").trim().split("\n");
    return { dir, first, others, all: [first, ...others], endWork, begun };
  }

  const restOf = async (children: readonly Child[]) =>
    (await Promise.all(children.map((child) => child.rest()))).flat();

  test("does the work in one, and gives its result to the others", async () => {
    const { dir, first, all, endWork, begun } = await start(4, "value");
    endWork();
    assert.deepEqual(await restOf(all), Array(4).fill(`by ${first.process.pid}`));
    assert.deepEqual(begun(), [String(first.process.pid)]);
    assert.deepEqual(
      filesBelow(dir).filter((name) => !name.endsWith(".outcome")),
      [],
    );
  });

  test("shares the error of the one that did it, with its code", async () => {
    const { all, endWork, begun } = await start(3, "error");
    endWork();
    assert.deepEqual(await restOf(all), Array(3).fill(`error ${StatusCode.dataLoss} it was not to be`));
    assert.equal(begun().length, 1);
  });

  test("is taken over by one when the one that did it is killed, and by the next when that is", async () => {
    const { dir, first, others, endWork, begun } = await start(4, "value");
    const waitsFor = (pid = "") =>
      filesBelow(dir).some((name) => name.split(".")[1] === pid && name.endsWith(".waiting"));
    await first.kill();
    const [, second] = await until("the second", () => (begun().length > 1 ? begun() : undefined));
    await others.find((one) => String(one.process.pid) === second)?.kill();
    const [, , third] = await until("the third", () => (begun().length > 2 ? begun() : undefined));
    await until("the last who waits", () => waitsFor(third) || undefined);
    endWork();
    const left = others.filter((one) => String(one.process.pid) !== second);
    assert.deepEqual((await restOf(left)).sort(), ["begun", `by ${third}`, `by ${third}`]);
    assert.equal(begun().length, 3);
  });

  test("is taken over when the one that did it does not want it any more", async () => {
    const { others, endWork, begun } = await start(2, "cancelled");
    endWork();
    assert.deepEqual(await restOf(others), ["begun", `by ${others[0]?.process.pid}`]);
    assert.equal(begun().length, 2);
  });

  test("is joined by this process, whose leaving disturbs nobody", async () => {
    const { dir, all, endWork } = await start(2, "value");
    const controller = new AbortController();
    const ours = singleFlight(dir, "key", () => assert.fail("begun"), { signal: controller.signal });
    await settle();
    controller.abort(new StatusError(StatusCode.cancelled, "enough"));
    await assert.rejects(ours, status(StatusCode.cancelled, /enough/));
    endWork();
    assert.equal(new Set(await restOf(all)).size, 1);
  });
});
