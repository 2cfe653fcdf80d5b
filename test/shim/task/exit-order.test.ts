import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ExitOrder, INIT } from "../../../src/shim/task/exit-order.ts";

function recorded(): { order: ExitOrder<number>; delivered: string[] } {
  const delivered: string[] = [];
  return { order: new ExitOrder<number>((id, exit) => delivered.push(`${id || "init"}:${exit}`)), delivered };
}

describe("ExitOrder", () => {
  test("delivers an exit at once when the process was announced", () => {
    const { order, delivered } = recorded();
    order.hold(INIT);
    order.announced(INIT);
    order.exited(INIT, 3);
    assert.deepEqual(delivered, ["init:3"]);
  });

  test("keeps an exit that came before the announcement until then", () => {
    const { order, delivered } = recorded();
    order.hold(INIT);
    order.exited(INIT, 137);
    assert.deepEqual(delivered, []);
    order.announced(INIT);
    assert.deepEqual(delivered, ["init:137"]);
  });

  test("holds a created init again while its start is under way", () => {
    const { order, delivered } = recorded();
    order.hold(INIT);
    order.announced(INIT);
    order.hold(INIT);
    order.exited(INIT, 0);
    assert.deepEqual(delivered, []);
    order.announced(INIT);
    assert.deepEqual(delivered, ["init:0"]);
  });

  test("delivers execs' exits before the init's, whatever order they came in", () => {
    const { order, delivered } = recorded();
    for (const id of [INIT, "a", "b"]) {
      order.hold(id);
      order.announced(id);
    }
    order.exited(INIT, 9);
    order.exited("b", 2);
    assert.deepEqual(delivered, ["b:2"]);
    order.exited("a", 1);
    assert.deepEqual(delivered, ["b:2", "a:1", "init:9"]);
  });

  test("an exec that was never started does not hold the init's exit up", () => {
    const { order, delivered } = recorded();
    order.hold(INIT);
    order.announced(INIT);
    order.hold("a");
    order.exited(INIT, 9);
    assert.deepEqual(delivered, []);
    order.forget("a");
    assert.deepEqual(delivered, ["init:9"]);
  });

  test("waits no longer for execs that are overdue, but always for the announcement of the init", () => {
    const { order, delivered } = recorded();
    for (const id of [INIT, "a"]) order.hold(id);
    order.exited(INIT, 9);
    order.overdue();
    assert.deepEqual(delivered, []);
    order.announced(INIT);
    assert.deepEqual(delivered, ["init:9"]);
    order.announced("a");
    order.exited("a", 1);
    assert.deepEqual(delivered, ["init:9", "a:1"]);
  });

  test("delivers each exit once, and none of a process it does not know", () => {
    const { order, delivered } = recorded();
    order.exited("stranger", 1);
    order.hold(INIT);
    order.exited(INIT, 1);
    order.exited(INIT, 2);
    order.announced(INIT);
    order.announced(INIT);
    order.exited(INIT, 3);
    assert.deepEqual(delivered, ["init:1"]);
  });

  test("500 execs that end in a shuffled order are all delivered, the init last", () => {
    const { order, delivered } = recorded();
    order.hold(INIT);
    order.announced(INIT);
    const ids = Array.from({ length: 500 }, (_, i) => `e${i}`);
    for (const id of ids) order.hold(id);
    order.exited(INIT, 0);
    for (const [i, id] of ids.entries()) i % 2 === 0 ? order.exited(id, i) : order.announced(id);
    for (const [i, id] of ids.entries()) i % 2 === 0 ? order.announced(id) : order.exited(id, i);
    assert.equal(delivered.length, 501);
    assert.equal(new Set(delivered).size, 501);
    assert.equal(delivered.at(-1), "init:0");
  });
});
