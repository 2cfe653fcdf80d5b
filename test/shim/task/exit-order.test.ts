import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ExitOrder, INIT } from "../../../src/shim/task/exit-order.ts";

interface One {
  readonly execId: string;
}

const init: One = { execId: INIT };
const [a, b]: [One, One] = [{ execId: "a" }, { execId: "b" }];

function recorded(): { order: ExitOrder<One, number>; delivered: string[] } {
  const delivered: string[] = [];
  const order = new ExitOrder<One, number>(({ execId }, exit) =>
    delivered.push(`${execId || "init"}:${exit}`),
  );
  return { order, delivered };
}

describe("ExitOrder", () => {
  test("delivers an exit at once when the process was announced", () => {
    const { order, delivered } = recorded();
    order.hold(init);
    order.announced(init);
    order.exited(init, 3);
    assert.deepEqual(delivered, ["init:3"]);
  });

  test("keeps an exit that came before the announcement until then", () => {
    const { order, delivered } = recorded();
    order.hold(init);
    order.exited(init, 137);
    assert.deepEqual(delivered, []);
    order.announced(init);
    assert.deepEqual(delivered, ["init:137"]);
  });

  test("holds a created init again while its start is under way", () => {
    const { order, delivered } = recorded();
    order.hold(init);
    order.announced(init);
    order.hold(init);
    order.exited(init, 0);
    assert.deepEqual(delivered, []);
    order.announced(init);
    assert.deepEqual(delivered, ["init:0"]);
  });

  test("delivers execs' exits before the init's, whatever order they came in", () => {
    const { order, delivered } = recorded();
    for (const process of [init, a, b]) {
      order.hold(process);
      order.announced(process);
    }
    order.exited(init, 9);
    order.exited(b, 2);
    assert.deepEqual(delivered, ["b:2"]);
    order.exited(a, 1);
    assert.deepEqual(delivered, ["b:2", "a:1", "init:9"]);
  });

  test("an exec that was never started does not hold the init's exit up", () => {
    const { order, delivered } = recorded();
    order.hold(init);
    order.announced(init);
    order.hold(a);
    order.exited(init, 9);
    assert.deepEqual(delivered, []);
    order.forget(a);
    assert.deepEqual(delivered, ["init:9"]);
  });

  test("waits no longer for execs that are overdue, but always for the announcement of the init", () => {
    const { order, delivered } = recorded();
    for (const process of [init, a]) order.hold(process);
    order.exited(init, 9);
    order.overdue();
    assert.deepEqual(delivered, []);
    order.announced(init);
    assert.deepEqual(delivered, ["init:9"]);
    order.announced(a);
    order.exited(a, 1);
    assert.deepEqual(delivered, ["init:9", "a:1"]);
  });

  test("delivers each exit once, and none of a process it does not know", () => {
    const { order, delivered } = recorded();
    order.exited({ execId: "stranger" }, 1);
    order.hold(init);
    order.exited(init, 1);
    order.exited(init, 2);
    order.announced(init);
    order.announced(init);
    order.exited(init, 3);
    assert.deepEqual(delivered, ["init:1"]);
  });

  test("tells the late exit of one that was forgotten from that of the next with its id", () => {
    const { order, delivered } = recorded();
    const [first, next] = [{ ...a }, { ...a }];
    order.hold(first);
    order.forget(first);
    order.hold(next);
    order.announced(next);
    order.exited(first, 137);
    assert.deepEqual(delivered, []);
    order.exited(next, 0);
    assert.deepEqual(delivered, ["a:0"]);
  });

  test("500 execs that end in a shuffled order are all delivered, the init last", () => {
    const { order, delivered } = recorded();
    order.hold(init);
    order.announced(init);
    const execs = Array.from({ length: 500 }, (_, i) => ({ execId: `e${i}` }));
    for (const exec of execs) order.hold(exec);
    order.exited(init, 0);
    for (const [i, exec] of execs.entries()) i % 2 === 0 ? order.exited(exec, i) : order.announced(exec);
    for (const [i, exec] of execs.entries()) i % 2 === 0 ? order.announced(exec) : order.exited(exec, i);
    assert.equal(delivered.length, 501);
    assert.equal(new Set(delivered).size, 501);
    assert.equal(delivered.at(-1), "init:0");
  });
});
