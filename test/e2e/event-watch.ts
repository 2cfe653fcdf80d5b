import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { PrivateContainerd } from "../../lab/private-containerd.ts";
import { until } from "../../lab/until.ts";

/** One line of `ctr events`. */
export interface WatchedEvent {
  readonly topic: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What `ctr events` has shown so far. */
export interface EventWatch {
  /** The events of tasks of one container, in their order. */
  tasks(id: string): readonly WatchedEvent[];
  /** Waits for an event of a container's first process. */
  waitFor(id: string, topic: string): Promise<WatchedEvent>;
  /** Waits for an event of a process that was added to a container. */
  waitForExec(id: string, topic: string, execId: string): Promise<WatchedEvent>;
  stop(): Promise<void>;
}

/** Starts `ctr events` and waits until it really listens. */
export async function watchEvents(containerd: PrivateContainerd): Promise<EventWatch> {
  const child = spawn("ctr", containerd.ctrArgs(["events"]), { stdio: ["ignore", "pipe", "ignore"] });
  const events: WatchedEvent[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [, topic, json] = / (\/[a-z/-]+) (\{.*\})$/.exec(line) ?? [];
    if (topic !== undefined && json !== undefined) events.push({ topic, fields: JSON.parse(json) });
  });
  // Nothing says that it listens but an event that it shows: so make some until it does.
  let round = 0;
  await until("ctr events to listen", async () => {
    await containerd.mustCtr(["namespaces", "label", containerd.namespace, `round=${round++}`]);
    return events.length > 0 ? true : undefined;
  });
  const tasks = (id: string) =>
    events.filter(({ topic, fields }) => topic.startsWith("/tasks/") && fields.container_id === id);
  return {
    tasks,
    waitFor: (id, topic) =>
      until(`${topic} of ${id}`, () =>
        tasks(id).find((event) => event.topic === topic && [undefined, id].includes(eventId(event))),
      ),
    waitForExec: (id, topic, execId) =>
      until(`${topic} of ${execId} in ${id}`, () =>
        tasks(id).find((event) => event.topic === topic && execIdOf(event) === execId),
      ),
    stop: () => stop(child),
  };
}

function eventId({ fields }: WatchedEvent): string | undefined {
  return typeof fields.id === "string" ? fields.id : undefined;
}

/** Exits call it by another name. */
function execIdOf({ fields }: WatchedEvent): unknown {
  return fields.exec_id ?? fields.id;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGKILL");
  await exited;
}
