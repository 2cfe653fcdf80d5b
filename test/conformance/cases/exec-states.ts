import assert from "node:assert/strict";
import type { Bench } from "../bench.ts";
import { about, type ConformanceCase } from "../case.ts";
import { briefly, expectOutcome, outcomeOf, stateName } from "../expect.ts";
import type { TestContainer } from "../test-container.ts";

/** Everything that a process which Exec adds can be, in a container that runs. */
const STATES = ["not added", "added", "running", "stopped", "deleted"] as const;
type State = (typeof STATES)[number];

const execId = "e1";

/** Brings the process there. */
const REACH: Readonly<Record<State, (container: TestContainer) => Promise<unknown>>> = {
  "not added": async () => {},
  added: (container) => container.exec(execId),
  running: (container) => container.execStarted(execId),
  stopped: (container) => container.execEnded(execId, { args: ["sh", "-c", "exit 5"] }),
  deleted: async (container) => {
    await container.execEnded(execId, { args: ["true"] });
    await container.task.delete({ id: container.id, execId });
  },
};

const CALLS: Readonly<Record<string, (container: TestContainer) => Promise<unknown>>> = {
  State: async ({ id, task }) => stateName((await task.state({ id, execId })).status),
  Exec: (container) => container.exec(execId),
  Start: ({ id, task }) => task.start({ id, execId }),
  Delete: async ({ id, task }) => `exit ${(await task.delete({ id, execId })).exitStatus}`,
  Kill: ({ id, task }) => task.kill({ id, execId, signal: 9 }),
  ResizePty: ({ id, task }) => task.resizePty({ id, execId, width: 80, height: 24 }),
  CloseIO: ({ id, task }) => task.closeIO({ id, execId, stdin: true }),
  Wait: async ({ id, task }) => `exit ${(await task.wait({ id, execId }, briefly)).exitStatus}`,
};

/** What each call comes to in each state. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  //       not added, added, running, stopped, deleted
  State: ["not found", "created", "running", "stopped", "not found"],
  Exec: ["ok", "already exists", "already exists", "already exists", "ok"],
  Start: ["not found", "ok", "refused", "refused", "not found"],
  Delete: ["not found", "exit 0", "refused", "exit 5", "not found"],
  Kill: ["not found", "refused|ok|not found", "ok", "not found", "not found"],
  ResizePty: ["not found", "ok", "ok", "ok|refused", "not found"],
  CloseIO: ["not found", "ok", "ok", "ok", "not found"],
  Wait: ["not found", "pending", "pending", "exit 5", "not found"],
};

const LEADS: Readonly<Record<string, Partial<Record<State, string>>>> = {
  Exec: { "not added": "created", deleted: "created" },
  Start: { added: "running" },
  Delete: { added: "not found", stopped: "not found" },
};

const stateOf = ({ id, task }: TestContainer) =>
  outcomeOf(task.state({ id, execId }).then(({ status }) => stateName(status)));

function caseOf(call: string, state: State): ConformanceCase {
  const expected = EXPECTED[call]?.[STATES.indexOf(state)] ?? "?";
  return {
    name: `${call} of a process that is ${state} comes to ${expected.replaceAll("|", " or ")}`,
    async run(bench: Bench) {
      const container = await bench.running();
      await REACH[state](container);
      const before = await stateOf(container);
      await expectOutcome(CALLS[call]?.(container) ?? Promise.resolve(), expected, call);
      if (call === "Kill") return;
      assert.equal(await stateOf(container), LEADS[call]?.[state] ?? before, `the state after ${call}`);
    },
  };
}

export const execStateCases = about(
  "exec",
  Object.keys(EXPECTED).flatMap((call) => STATES.map((state) => caseOf(call, state))),
);
