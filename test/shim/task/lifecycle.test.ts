import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode, type StatusError } from "../../../src/base/status.ts";
import { type LifecycleEvent, type TaskState, transition } from "../../../src/shim/task/lifecycle.ts";

describe("the lifecycle of a container", () => {
  const allowed: [TaskState, LifecycleEvent, TaskState | "deleted"][] = [
    ["created", "start", "running"],
    ["created", "kill", "created"],
    ["created", "exit", "stopped"],
    ["created", "delete", "deleted"],
    ["running", "kill", "running"],
    ["running", "exit", "stopped"],
    ["created", "update", "created"],
    ["running", "update", "running"],
    ["running", "pause", "pausing"],
    ["pausing", "paused", "paused"],
    ["pausing", "pause failed", "running"],
    ["pausing", "kill", "pausing"],
    ["pausing", "exit", "stopped"],
    ["paused", "resume", "running"],
    ["paused", "update", "paused"],
    ["paused", "kill", "paused"],
    ["paused", "exit", "stopped"],
    ["stopped", "paused", "stopped"],
    ["stopped", "pause failed", "stopped"],
    ["stopped", "exit", "stopped"],
    ["stopped", "delete", "deleted"],
    ["created", "exec in", "created"],
    ["running", "exec in", "running"],
    ["created", "resize", "created"],
    ["running", "resize", "running"],
    ["pausing", "resize", "pausing"],
    ["paused", "resize", "paused"],
    ["running", "checkpoint", "running"],
    ["paused", "checkpoint", "paused"],
  ];
  for (const [state, event, next] of allowed) {
    test(`${event} of a ${state} one leaves it ${next}`, () =>
      assert.equal(transition(state, event, "c1"), next));
  }

  const refused: [TaskState, LifecycleEvent, StatusCode][] = [
    ["running", "start", StatusCode.failedPrecondition],
    ["running", "delete", StatusCode.failedPrecondition],
    ["created", "pause", StatusCode.failedPrecondition],
    ["created", "resume", StatusCode.failedPrecondition],
    ["running", "resume", StatusCode.failedPrecondition],
    ["paused", "start", StatusCode.failedPrecondition],
    ["paused", "pause", StatusCode.failedPrecondition],
    ["paused", "delete", StatusCode.failedPrecondition],
    ["pausing", "delete", StatusCode.failedPrecondition],
    ["stopped", "pause", StatusCode.failedPrecondition],
    ["stopped", "resume", StatusCode.failedPrecondition],
    ["stopped", "update", StatusCode.notFound],
    ["stopped", "start", StatusCode.failedPrecondition],
    ["stopped", "kill", StatusCode.notFound],
    ["paused", "exec in", StatusCode.failedPrecondition],
    ["pausing", "exec in", StatusCode.failedPrecondition],
    ["stopped", "exec in", StatusCode.failedPrecondition],
    ["stopped", "resize", StatusCode.failedPrecondition],
    ["created", "checkpoint", StatusCode.failedPrecondition],
    ["pausing", "checkpoint", StatusCode.failedPrecondition],
    ["stopped", "checkpoint", StatusCode.failedPrecondition],
  ];
  for (const [state, event, code] of refused) {
    test(`${event} of a ${state} one is refused, naming it`, () => {
      assert.throws(
        () => transition(state, event, "c1"),
        (err: StatusError) => {
          assert.equal(err.code, code);
          assert.match(err.message, /: c1$/);
          return true;
        },
      );
    });
  }
});
