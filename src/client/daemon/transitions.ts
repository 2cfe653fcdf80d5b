import type { TaskEvent } from "../task-event.ts";
import { toDate } from "../time.ts";
import type { ContainerStatus, Ending, ExecStatus, Phase } from "./status.ts";

/** What may be heard of a container's init. */
export type Happening = "create" | "start" | "pause" | "resume" | "exit";

/**
 * Which phase follows. Where nothing stands, the event says nothing new: it is late, or told again, or it is of an
 * earlier container with the same id, as an exit before the answer to Create. Lost events are skipped over: whoever
 * exits has run. An end is final, so no event leads back from `stopped`.
 */
const NEXT: Readonly<Record<Phase, Partial<Record<Happening, Phase>>>> = {
  creating: { create: "created" },
  created: { start: "running", pause: "paused", resume: "running", exit: "stopped" },
  running: { pause: "paused", exit: "stopped" },
  paused: { resume: "running", exit: "stopped" },
  // When it is gone says who has removed it; a shim's Delete takes only the task, and leaves how it ended.
  stopped: {},
  gone: {},
};

/** The phase after something was heard; undefined where it says nothing new. */
export function nextPhase(phase: Phase, happening: Happening): Phase | undefined {
  return NEXT[phase][happening];
}

/** As many further processes as a container rarely has at once: each change that is kept has a list of its own. */
const MAX_EXECS = 128;

/** What an event is about; undefined for one that says nothing of a container's state. */
export function containerOf(event: TaskEvent): string | undefined {
  return event.type === "unknown" ? undefined : event.event.containerId;
}

/** The status after an event; the same object where the event says nothing new. */
export function afterEvent(status: ContainerStatus, event: TaskEvent): ContainerStatus {
  switch (event.type) {
    case "containerd.events.TaskCreate":
      return move(status, "create", { pid: event.event.pid });
    case "containerd.events.TaskStart":
      return ofInit(status, event.event.pid, "start");
    case "containerd.events.TaskPaused":
      return move(status, "pause");
    case "containerd.events.TaskResumed":
      return move(status, "resume");
    case "containerd.events.TaskExit": {
      const { id, containerId, pid, exitStatus, exitedAt } = event.event;
      const ending = { exitStatus, exitedAt: toDate(exitedAt) };
      if (id !== containerId) return execExited(status, { execId: id, pid, ending });
      return ofInit(status, pid, "exit", { ending });
    }
    case "containerd.events.TaskExecStarted": {
      const { execId, pid } = event.event;
      return withExec(status, { execId, pid, ending: undefined });
    }
    case "containerd.events.TaskOOM":
      return status.outOfMemory ? status : { ...status, outOfMemory: true };
    default:
      return status;
  }
}

/** An event of another pid is one of an earlier container with this id that comes late. */
function ofInit(
  status: ContainerStatus,
  pid: number,
  happening: Happening,
  more: { readonly ending?: Ending } = {},
): ContainerStatus {
  return pid === status.pid ? move(status, happening, more) : status;
}

function move(
  status: ContainerStatus,
  happening: Happening,
  more: Partial<ContainerStatus> = {},
): ContainerStatus {
  const phase = nextPhase(status.phase, happening);
  return phase === undefined ? status : { ...status, ...more, phase };
}

function execExited(status: ContainerStatus, exec: ExecStatus): ContainerStatus {
  const known = status.execs.find(({ execId }) => execId === exec.execId);
  // Its start is told before its exit; a shim that lost the one still means this process by the other.
  if (known !== undefined && (known.ending !== undefined || known.pid !== exec.pid)) return status;
  return withExec(status, exec);
}

function withExec(status: ContainerStatus, exec: ExecStatus): ContainerStatus {
  if (status.phase === "creating" || status.phase === "stopped") return status;
  const known = status.execs.find(({ execId }) => execId === exec.execId);
  if (known !== undefined && known.pid === exec.pid && exec.ending === undefined) return status;
  const others = status.execs.filter(({ execId }) => execId !== exec.execId);
  return { ...status, execs: Object.freeze(bounded([...others, Object.freeze(exec)])) };
}

/** Whoever deletes them in the shim may not say so, and the event of an end may be lost. */
function bounded(execs: ExecStatus[]): ExecStatus[] {
  if (execs.length <= MAX_EXECS) return execs;
  const ended = execs.findIndex(({ ending }) => ending !== undefined);
  return execs.toSpliced(Math.max(0, ended), 1);
}

/** The status once a further process is gone from the shim; no event tells of that. */
export function withoutExec(status: ContainerStatus, execId: string, pid: number): ContainerStatus {
  const execs = status.execs.filter((exec) => exec.execId !== execId || exec.pid !== pid);
  return execs.length === status.execs.length ? status : { ...status, execs: Object.freeze(execs) };
}
