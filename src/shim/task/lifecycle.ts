import { StatusCode, StatusError } from "../../base/status.ts";

/** What a process of a container can be in, by the names and numbers of containerd.v1.types.Status. */
export const TaskState = { created: 1, running: 2, stopped: 3, paused: 4, pausing: 5 } as const;

/** A name in {@link TaskState}. */
export type TaskState = keyof typeof TaskState;

/** What can be asked of, or happen to, a process; some only to an init, for its container. */
export type LifecycleEvent =
  | "start"
  | "exit"
  | "delete"
  | "kill"
  | "update"
  | "pause"
  | "paused"
  | "pause failed"
  | "resume"
  | "exec in"
  | "resize"
  | "checkpoint";

type Outcome = TaskState | "deleted" | { readonly refused: string; readonly code: StatusCode };

const refuse = (refused: string, code: StatusCode = StatusCode.failedPrecondition): Outcome => ({
  refused,
  code,
});

/** What one state makes of each event; those that are not named are refused as `cannot <event> a <state> process`. */
type Row = Readonly<Partial<Record<LifecycleEvent, Outcome>>>;

/** State × event → the next state, or why not. */
const TABLE: Readonly<Record<TaskState, Row>> = {
  created: {
    start: "running",
    exit: "stopped",
    delete: "deleted",
    kill: "created",
    update: "created",
    resize: "created",
    "exec in": "created",
  },
  running: {
    exit: "stopped",
    kill: "running",
    update: "running",
    resize: "running",
    pause: "pausing",
    "exec in": "running",
    checkpoint: "running",
  },
  pausing: {
    exit: "stopped",
    kill: "pausing",
    update: "pausing",
    resize: "pausing",
    paused: "paused",
    "pause failed": "running",
  },
  paused: {
    exit: "stopped",
    kill: "paused",
    update: "paused",
    resize: "paused",
    resume: "running",
    checkpoint: "paused",
  },
  stopped: {
    exit: "stopped",
    delete: "deleted",
    // The daemon takes `not found` as "exited already": what it wanted of a kill, and the end of an update.
    kill: refuse("process already finished", StatusCode.notFound),
    update: refuse("process already finished", StatusCode.notFound),
    // It ended while the OCI runtime was freezing it.
    paused: "stopped",
    "pause failed": "stopped",
  },
};

/** The state after an event; a StatusError naming the process where the event has no place in this state. */
export function transition(state: TaskState, event: LifecycleEvent, id: string): TaskState | "deleted" {
  const outcome = TABLE[state][event] ?? refuse(`cannot ${event} a ${state} process`);
  if (typeof outcome === "string") return outcome;
  throw new StatusError(outcome.code, `${outcome.refused}: ${id}`);
}
