import assert from "node:assert/strict";
import type { Bench } from "../bench.ts";
import { about, type ConformanceCase } from "../case.ts";
import { briefly, expectOutcome, outcomeOf, stateName } from "../expect.ts";
import { specAny } from "../options.ts";
import type { TestContainer } from "../test-container.ts";

/** Everything that a container can be. */
const STATES = ["not created", "created", "running", "paused", "stopped", "deleted"] as const;
type State = (typeof STATES)[number];

/** Brings a container there. */
const REACH: Readonly<Record<State, (bench: Bench) => Promise<TestContainer>>> = {
  "not created": (bench) => bench.launched(),
  created: (bench) => bench.created(),
  running: (bench) => bench.running(),
  paused: async (bench) => {
    const container = await bench.running();
    await container.task.pause({ id: container.id });
    return container;
  },
  stopped: (bench) => bench.stopped(),
  deleted: async (bench) => {
    const container = await bench.stopped();
    await container.task.delete({ id: container.id });
    return container;
  },
};

/** Calls for a container's init; what they resolve to is named where it says more than `ok`. */
const CALLS: Readonly<Record<string, (container: TestContainer) => Promise<unknown>>> = {
  State: async ({ id, task }) => stateName((await task.state({ id })).status),
  Create: (container) => container.create(),
  Start: ({ id, task }) => task.start({ id }),
  Delete: async ({ id, task }) => `exit ${(await task.delete({ id })).exitStatus}`,
  Pids: async ({ id, task }) => String((await task.pids({ id })).processes.length),
  Pause: ({ id, task }) => task.pause({ id }),
  Resume: ({ id, task }) => task.resume({ id }),
  Kill: ({ id, task }) => task.kill({ id, signal: 9 }),
  "Kill of all": ({ id, task }) => task.kill({ id, signal: 9, all: true }),
  Exec: (container) => container.exec("e1"),
  ResizePty: ({ id, task }) => task.resizePty({ id, width: 80, height: 24 }),
  CloseIO: ({ id, task }) => task.closeIO({ id, stdin: true }),
  Checkpoint: ({ id, task }) => task.checkpoint({ id, path: "/nowhere/checkpoint" }),
  Update: ({ id, task }) =>
    task.update({ id, resources: specAny("LinuxResources", { pids: { limit: 99 } }) }),
  Wait: async ({ id, task }) => `exit ${(await task.wait({ id }, briefly)).exitStatus}`,
  Stats: async ({ id, task }) => ((await task.stats({ id })).stats?.value?.length ? "figures" : "none"),
  Connect: async ({ id, task }) => ((await task.connect({ id })).shimPid > 1 ? "a pid" : "none"),
};

/** What each call comes to in each state. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  //               not created, created, running, paused, stopped, deleted
  State: ["not found", "created", "running", "paused", "stopped", "not found"],
  Create: [
    "ok",
    "already exists|refused",
    "already exists|refused",
    "already exists|refused",
    "already exists|refused",
    "ok",
  ],
  Start: ["not found", "ok", "refused", "refused", "refused", "not found"],
  Delete: ["not found", "exit 137", "refused", "refused", "exit 7", "not found"],
  Pids: ["not found", "1", "1", "1", "0", "not found"],
  Pause: ["not found", "refused", "ok", "refused", "refused", "not found"],
  Resume: ["not found", "refused", "refused", "ok", "refused", "not found"],
  Kill: ["not found", "ok", "ok", "ok", "not found", "not found"],
  "Kill of all": ["not found", "ok", "ok", "ok", "not found|ok", "not found"],
  Exec: ["not found", "ok", "ok", "refused", "refused", "not found"],
  ResizePty: ["not found", "ok", "ok", "ok", "ok|refused", "not found"],
  CloseIO: ["not found", "ok", "ok", "ok", "ok", "not found"],
  Checkpoint: ["not found", "refused", "refused", "refused", "refused", "not found"],
  Update: ["not found", "ok", "ok", "ok", "not found", "not found"],
  Wait: ["not found", "pending", "pending", "pending", "exit 7", "not found"],
  Stats: ["not found", "figures", "figures", "figures", "figures|not found", "not found"],
  Connect: ["a pid", "a pid", "a pid", "a pid", "a pid", "a pid"],
};

/** The state that a call leads to from a state, where it leads anywhere. */
const LEADS: Readonly<Record<string, Partial<Record<State, string>>>> = {
  Create: { "not created": "created", deleted: "created" },
  Start: { created: "running" },
  Delete: { created: "not found", stopped: "not found" },
  Pause: { running: "paused" },
  Resume: { paused: "running" },
};

/** Calls after which the state is whatever it becomes, and when. */
const KILLS: readonly string[] = ["Kill", "Kill of all"];

const stateOf = ({ id, task }: TestContainer) =>
  outcomeOf(task.state({ id }).then(({ status }) => stateName(status)));

function caseOf(call: string, state: State): ConformanceCase {
  const expected = EXPECTED[call]?.[STATES.indexOf(state)] ?? "?";
  return {
    name: `${call} of a container that is ${state} comes to ${expected.replaceAll("|", " or ")}`,
    async run(bench) {
      const container = await REACH[state](bench);
      const before = await stateOf(container);
      await expectOutcome(CALLS[call]?.(container) ?? Promise.resolve(), expected, call);
      if (KILLS.includes(call)) return;
      assert.equal(await stateOf(container), LEADS[call]?.[state] ?? before, `the state after ${call}`);
    },
  };
}

export const initStateCases = about(
  "init",
  Object.keys(EXPECTED).flatMap((call) => STATES.map((state) => caseOf(call, state))),
);
