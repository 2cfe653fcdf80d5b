import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { IdleMemory } from "../../src/shim/idle-memory.ts";

/** A memory that is given back as soon as the calls pause, and how often it was. */
function scene() {
  let times = 0;
  let next = deferred();
  const memory = new IdleMemory(() => {
    times += 1;
    next.resolve();
    next = deferred();
  }, 5);
  return { memory, times: () => times, given: () => next.promise };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

describe("the memory of an idle shim", () => {
  test("is given back once for all calls that came close together", async () => {
    const { memory, times, given } = scene();
    for (const call of ["create", "start", "state"]) memory.ended(call);
    assert.equal(times(), 0);
    await given();
    await turn();
    assert.equal(times(), 1);
  });

  test("is given back again after the next Create", async () => {
    const { memory, times, given } = scene();
    memory.ended("create");
    await given();
    memory.ended("create");
    await given();
    assert.equal(times(), 2);
  });

  test("is left alone by a few other calls, and given back after many", async () => {
    const { memory, times, given } = scene();
    for (let call = 0; call < 100; call += 1) memory.ended("state");
    await turn();
    assert.equal(times(), 0);
    for (let call = 0; call < 400; call += 1) memory.ended(call % 2 === 0 ? "exec" : "wait");
    await given();
    assert.equal(times(), 1);
  });
});
