import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ContainerStatus, Phase } from "../../../src/client/daemon/status.ts";
import { StatusStore } from "../../../src/client/daemon/status-store.ts";
import { type Happening, nextPhase } from "../../../src/client/daemon/transitions.ts";
import { initEvents, taskEvent } from "./events.ts";

const PHASES: readonly Phase[] = ["creating", "created", "running", "paused", "stopped", "gone"];
const RUNNING = 2;
const STOPPED = 3;

function storeWith(known: Partial<ContainerStatus>): StatusStore {
  const store = new StatusStore();
  store.add("c", { pid: 10, ...known });
  return store;
}

describe("the phase of a container", () => {
  for (const happening of ["create", "start", "pause", "resume", "exit"] as const) {
    test(`is not changed by ${happening} after its end`, () => {
      assert.equal(nextPhase("stopped", happening), undefined);
      assert.equal(nextPhase("gone", happening), undefined);
    });
  }

  const rows: [Phase, Happening, Phase | undefined][] = [
    ["creating", "create", "created"],
    ["creating", "exit", undefined],
    ["created", "start", "running"],
    ["created", "exit", "stopped"],
    ["running", "start", undefined],
    ["running", "create", undefined],
    ["running", "pause", "paused"],
    ["paused", "resume", "running"],
    ["paused", "exit", "stopped"],
  ];
  for (const [phase, happening, next] of rows) {
    test(`after ${phase} and ${happening} is ${next ?? "as before"}`, () => {
      assert.equal(nextPhase(phase, happening), next);
    });
  }
});

describe("the status store", () => {
  test("follows a container's events", () => {
    const store = storeWith({ pid: 0 });
    const { create, start, pause, resume, exit } = initEvents("c", 10);
    const phases = [create, start, pause, resume, exit].map((event) => {
      assert.equal(store.apply(event), true);
      return store.get("c")?.phase;
    });
    assert.deepEqual(phases, ["created", "running", "paused", "running", "stopped"]);
    assert.equal(store.get("c")?.ending?.exitStatus, 7);
  });

  for (const phase of PHASES.slice(0, 4)) {
    test(`takes no exit of an earlier process with the same id while ${phase}`, () => {
      const store = storeWith({ phase });
      assert.equal(store.apply(initEvents("c", 9).exit), false);
      assert.equal(store.get("c")?.phase, phase);
    });
  }

  test("ends at the same whatever way its events are repeated or disordered after the exit", () => {
    const { create, start, pause, resume, exit } = initEvents("c", 10);
    for (const late of [create, start, pause, resume, exit]) {
      const store = storeWith({ phase: "created" });
      store.apply(exit);
      const before = store.list();
      assert.equal(store.apply(late), false);
      assert.equal(store.list(), before);
    }
  });

  test("leaves an answer aside that is older than an event", () => {
    const store = storeWith({ phase: "running" });
    const question = store.ask("c");
    store.apply(initEvents("c", 10).pause);
    assert.equal(store.answer(question, { status: RUNNING, pid: 10 }), false);
    assert.equal(store.get("c")?.phase, "paused");
  });

  test("takes an answer to what was asked after the last event", () => {
    const store = storeWith({ phase: "created" });
    store.apply(initEvents("c", 10).start);
    assert.equal(store.answer(store.ask("c"), { status: STOPPED, pid: 10, exitStatus: 3 }), true);
    assert.deepEqual(store.get("c")?.ending, { exitStatus: 3, exitedAt: undefined });
  });

  test("takes an end from an answer also where an event has come since", () => {
    const store = storeWith({ phase: "running" });
    const question = store.ask("c");
    store.apply(initEvents("c", 10).pause);
    assert.equal(store.answer(question, { status: STOPPED, pid: 10, exitStatus: 3 }), true);
    assert.equal(store.get("c")?.phase, "stopped");
  });

  test("takes no answer about an earlier container with the same id", () => {
    const store = storeWith({ phase: "running" });
    const question = store.ask("c");
    store.add("c", { pid: 11, phase: "running" });
    assert.equal(store.answer(question, { status: STOPPED, pid: 10 }), false);
    assert.equal(store.get("c")?.phase, "running");
  });

  test("does not hold a remark to be news", () => {
    const store = storeWith({ phase: "created" });
    const question = store.ask("c");
    store.remark("c", "it will not go");
    assert.equal(store.answer(question, { status: RUNNING, pid: 10 }), true);
    assert.equal(store.get("c")?.problem, "it will not go");
  });

  test("gives out lists that never change", () => {
    const store = storeWith({ phase: "created" });
    const list = store.list();
    assert.equal(store.list(), list);
    store.apply(initEvents("c", 10).start);
    assert.deepEqual(
      [list[0]?.phase, store.list()[0]?.phase, Object.isFrozen(list), Object.isFrozen(list[0])],
      ["created", "running", true, true],
    );
  });

  test("knows the further processes of a container until its shim has deleted them", () => {
    const store = storeWith({ phase: "running" });
    const containerId = "c";
    const ending = { exitStatus: 2, exitedAt: undefined };
    store.apply(taskEvent("TaskExecStarted", { containerId, execId: "e", pid: 20 }));
    assert.deepEqual(store.get("c")?.execs, [{ execId: "e", pid: 20, ending: undefined }]);
    store.apply(taskEvent("TaskExit", { containerId, id: "e", pid: 20, exitStatus: 2 }));
    assert.deepEqual(store.get("c")?.execs, [{ execId: "e", pid: 20, ending }]);
    assert.equal(store.get("c")?.phase, "running");
    const question = store.ask("c");
    store.forgetExec("c", "e", 19);
    assert.equal(store.get("c")?.execs.length, 1);
    store.forgetExec("c", "e", 20);
    assert.deepEqual(store.get("c")?.execs, []);
    assert.equal(store.answer(question, { status: RUNNING, pid: 10 }), true);
  });

  test("lists those that run, and only so many further processes of a container", () => {
    const store = storeWith({ phase: "running" });
    const containerId = "c";
    const start = (execId: string, pid: number) =>
      store.apply(taskEvent("TaskExecStarted", { containerId, execId, pid }));
    const lengths = new Set<number | undefined>();
    start("runs", 20);
    for (let pid = 1_000; pid < 3_000; pid += 1) {
      start(`e${pid}`, pid);
      store.apply(taskEvent("TaskExit", { containerId, id: `e${pid}`, pid }));
      if (pid >= 2_000) lengths.add(store.get("c")?.execs.length);
    }
    const { execs = [] } = store.get("c") ?? {};
    assert.deepEqual([execs[0]?.execId, execs.at(-1)?.execId], ["runs", "e2999"]);
    // As where each end is lost.
    for (let pid = 3_000; pid < 4_000; pid += 1) start(`e${pid}`, pid);
    lengths.add(store.get("c")?.execs.length);
    assert.equal(lengths.size, 1);
  });

  test("tells each change in order, and that a container is gone", async () => {
    const store = storeWith({ pid: 0 });
    const { create, start, exit } = initEvents("c", 10);
    for (const event of [create, start, exit]) store.apply(event);
    store.remove("c");
    store.close();
    const phases: string[] = [];
    for await (const { phase } of store.changes) phases.push(phase);
    assert.deepEqual(phases, ["creating", "created", "running", "stopped", "gone"]);
    assert.deepEqual(store.list(), []);
  });

  test("hears nothing of containers that it does not know", () => {
    const store = new StatusStore();
    assert.equal(store.apply(initEvents("other", 1).create), false);
    assert.deepEqual(store.list(), []);
  });
});
