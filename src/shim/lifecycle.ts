import { StatusCode, StatusError } from "../base/status.ts";

/** What a container's init can be in, by the names and numbers of containerd.v1.types.Status. */
export const TaskState = { created: 1, running: 2, stopped: 3 } as const;

/** A name in {@link TaskState}. */
export type TaskState = keyof typeof TaskState;

/** What can be asked of, or happen to, a container's init. */
export type LifecycleEvent = "start" | "exit" | "delete" | "kill";

type Outcome = TaskState | "deleted" | { readonly refused: string; readonly code: StatusCode };

const refuse = (refused: string, code: StatusCode = StatusCode.failedPrecondition): Outcome => ({
  refused,
  code,
});

/** State × event → the next state, or why not. */
const TABLE: Readonly<Record<TaskState, Readonly<Record<LifecycleEvent, Outcome>>>> = {
  created: { start: "running", exit: "stopped", delete: "deleted", kill: "created" },
  running: {
    start: refuse("cannot start a running process"),
    exit: "stopped",
    delete: refuse("cannot delete a running process"),
    kill: "running",
  },
  stopped: {
    start: refuse("cannot start a stopped process"),
    exit: "stopped",
    delete: "deleted",
    // The daemon takes `not found` as "exited already", which is what it wanted.
    kill: refuse("process already finished", StatusCode.notFound),
  },
};

/** The state after an event; a StatusError naming the process where the event has no place in this state. */
export function transition(state: TaskState, event: LifecycleEvent, id: string): TaskState | "deleted" {
  const outcome = TABLE[state][event];
  if (typeof outcome === "string") return outcome;
  throw new StatusError(outcome.code, `${outcome.refused}: ${id}`);
}
