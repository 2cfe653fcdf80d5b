import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { sleep } from "../../../src/base/deadline.ts";
import { ExitHandler } from "../../../src/client/daemon/exit-handler.ts";
import { StatusStore } from "../../../src/client/daemon/status-store.ts";
import { createTaskClient } from "../../../src/client/task-client.ts";
import { taskV3 } from "../../../src/proto/index.ts";
import { ClientConnection, memoryPair, Server } from "../../../src/ttrpc/index.ts";
import { initEvents } from "./events.ts";

const OTHERS = 200;

/** A shim in memory whose Delete does what the test says, and its client. */
function fakeShim(onDelete: () => Promise<void>) {
  const [left, right] = memoryPair();
  const server = new Server().register(taskV3, {
    delete: async () => {
      await onDelete();
      return {};
    },
  });
  server.accept(right);
  const connection = new ClientConnection(left);
  after(async () => {
    connection.close();
    await server.close();
  });
  return createTaskClient(3, connection);
}

function handlerWith(deleteMs: number) {
  const store = new StatusStore();
  const handler = new ExitHandler(store, { deleteMs, backOff: { firstMs: 1, maxMs: 5 } });
  after(() => handler.close());
  const add = (id: string, onDelete: () => Promise<void>) => {
    store.add(id);
    handler.watch(id, fakeShim(onDelete));
  };
  return { store, handler, add };
}

/** Lets a container live and die; each event has to count at once. */
function liveAndDie(store: StatusStore, handler: ExitHandler, id: string, pid: number): number[] {
  const { create, start, exit } = initEvents(id, pid);
  const phases = ["created", "running", "stopped"];
  return [create, start, exit].map((event, n) => {
    assert.equal(handler.handle(event), true);
    const before = performance.now();
    const list = store.list();
    const took = performance.now() - before;
    assert.equal(list.find((status) => status.id === id)?.phase, phases[n]);
    return took;
  });
}

describe("the handling of exits", () => {
  test("goes on for 200 others while a Delete hangs for ever, and the list is always there", async (t) => {
    const { store, handler, add } = handlerWith(600_000);
    let asked = 0;
    add("stuck", () => {
      asked += 1;
      return new Promise(() => {});
    });
    liveAndDie(store, handler, "stuck", 1);
    await until("the Delete that hangs", () => (asked === 1 ? true : undefined));
    const took: number[] = [];
    for (let n = 0; n < OTHERS; n += 1) {
      add(`c${n}`, async () => {});
      took.push(...liveAndDie(store, handler, `c${n}`, 100 + n));
    }
    await until("all others to be deleted", () => (handler.watched.length === 1 ? true : undefined));
    assert.deepEqual([handler.watched, asked], [["stuck"], 1]);
    assert.equal(store.list().filter(({ phase }) => phase === "stopped").length, OTHERS + 1);
    took.sort((a, b) => a - b);
    t.diagnostic(`list() at the 99th percentile: ${took[Math.floor(took.length * 0.99)]?.toFixed(3)} ms`);
  });

  test("asks again for a Delete that fails or takes too long, and says so meanwhile", async () => {
    const { store, handler, add } = handlerWith(20);
    let asked = 0;
    add("c", async () => {
      asked += 1;
      if (asked === 1) throw new Error("device busy");
      if (asked === 2) await new Promise(() => {});
    });
    liveAndDie(store, handler, "c", 1);
    await until("its end", () => (handler.watched.length === 0 ? true : undefined));
    const problems = store.changes.kept.map(({ problem }) => problem ?? "");
    assert.ok(problems.some((problem) => /^attempt 1: .*device busy/.test(problem)));
    assert.ok(problems.some((problem) => /^attempt 2: /.test(problem)));
    assert.deepEqual([asked, store.get("c")?.problem], [3, undefined]);
  });

  test("deletes a container whose end is known from State alone, once", async () => {
    const { store, handler, add } = handlerWith(1000);
    let asked = 0;
    add("c", async () => {
      asked += 1;
    });
    handler.handle(initEvents("c", 1).create);
    const stopped = { status: 3, pid: 1, exitStatus: 4 };
    assert.equal(handler.answer(store.ask("c"), stopped), true);
    assert.equal(handler.answer(store.ask("c"), stopped), false);
    assert.equal(handler.handle(initEvents("c", 1).exit), false);
    await until("its end", () => (handler.watched.length === 0 ? true : undefined));
    assert.deepEqual([asked, store.get("c")?.ending?.exitStatus], [1, 4]);
  });

  test("has a container attended to until nothing is left to be done, one time after the other", async () => {
    const { store, handler } = handlerWith(1000);
    const seen: string[] = [];
    let busy = false;
    store.add("c");
    handler.watchBy("c", async () => {
      assert.equal(busy, false);
      busy = true;
      await Promise.resolve();
      busy = false;
      const phase = store.get("c")?.phase ?? "";
      seen.push(phase);
      return phase === "stopped";
    });
    handler.attend("c");
    handler.attend("c");
    await until("two looks", () => (seen.length === 2 ? true : undefined));
    liveAndDie(store, handler, "c", 1);
    await until("its end", () => (handler.watched.length === 0 ? true : undefined));
    handler.attend("c");
    assert.deepEqual(seen, ["creating", "creating", "stopped"]);
  });

  test("attends at once to a container that had ended before it was watched", async () => {
    const { store, handler } = handlerWith(1000);
    store.add("c", { phase: "stopped" });
    handler.watchBy("c", async () => true);
    await until("its end", () => (handler.watched.length === 0 ? true : undefined));
  });

  test("ends for a container that is forgotten, and leaves the next one of its id alone", async () => {
    const { store, handler } = handlerWith(1_000);
    let attempts = 0;
    let finish = () => {};
    store.add("c", { phase: "stopped" });
    handler.watchBy("c", async () => {
      attempts += 1;
      if (attempts === 1) throw new Error("not yet");
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return true;
    });
    await until("the second attempt", () => (attempts === 2 ? true : undefined));
    handler.forget("c");
    store.add("c");
    handler.watchBy("c", async () => false);
    finish();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(handler.watched, ["c"]);
  });

  test("makes no further attempt for a container that is forgotten", async () => {
    const { store, handler } = handlerWith(1_000);
    let attempts = 0;
    store.add("c", { phase: "stopped" });
    handler.watchBy("c", async () => {
      attempts += 1;
      handler.forget("c");
      store.add("c");
      throw new Error("not yet");
    });
    await until("the first attempt", () => (attempts === 1 ? true : undefined));
    await sleep(50);
    assert.deepEqual([attempts, handler.watched, store.get("c")?.problem], [1, [], undefined]);
  });
});
