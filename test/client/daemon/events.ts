import { decodeEnvelope, type TaskEvent } from "../../../src/client/task-event.ts";
import { containerd } from "../../../src/proto/index.ts";

const { events } = containerd;

/** An event as it comes from a shim. */
export function taskEvent(name: Exclude<keyof typeof events, "TaskIO">, fields: object): TaskEvent {
  const value = events[name].encode(fields).finish();
  return decodeEnvelope({
    topic: "/tasks/any",
    namespace: "n",
    event: { typeUrl: `containerd.events.${name}`, value },
  });
}

/** The events of a container's init, by what they say. */
export function initEvents(containerId: string, pid: number) {
  return {
    create: taskEvent("TaskCreate", { containerId, pid }),
    start: taskEvent("TaskStart", { containerId, pid }),
    pause: taskEvent("TaskPaused", { containerId }),
    resume: taskEvent("TaskResumed", { containerId }),
    exit: taskEvent("TaskExit", { containerId, id: containerId, pid, exitStatus: 7 }),
  } as const;
}
