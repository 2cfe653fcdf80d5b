import { within } from "../base/deadline.ts";
import type { Logger } from "../base/logger.ts";
import { containerd, events } from "../proto/index.ts";
import { parseAddress, toNetPath } from "../ttrpc/address.ts";
import { ClientConnection, createClient } from "../ttrpc/index.ts";
import { type Encodable, encodeWith } from "../ttrpc/service.ts";
import { EventQueue, type QueuedEvent, type SendEvent } from "./event-queue.ts";
import type { Settings } from "./settings.ts";
import { connectTo } from "./socket-stream.ts";
import { timestamp } from "./timestamp.ts";

type Events = typeof containerd.events;

/**
 * Publishes a container's events to the daemon, in the order of the calls (containerd's
 * `containerd.services.events.ttrpc.v1.Events`). None of the methods waits or throws.
 */
export class TaskEvents {
  readonly #namespace: string;
  readonly #queue: EventQueue<Forward>;
  readonly #daemon: Daemon;

  constructor(options: {
    readonly address: string;
    readonly namespace: string;
    readonly settings: Settings;
    readonly logger: Logger;
  }) {
    this.#namespace = options.namespace;
    this.#daemon = forwarder(options.address, options.settings.eventMs);
    this.#queue = new EventQueue({
      send: options.address === "" ? async () => {} : this.#daemon.send,
      logger: options.logger,
      capacity: options.settings.eventQueue,
    });
  }

  /** The container exists; its init waits for Start. */
  created(event: containerd.events.ITaskCreate): void {
    this.#publish("/tasks/create", "TaskCreate", event);
  }

  /** The init runs the user's program. */
  started(event: containerd.events.ITaskStart): void {
    this.#publish("/tasks/start", "TaskStart", event);
  }

  /** The container has another process, which waits for its start. */
  execAdded(event: containerd.events.ITaskExecAdded): void {
    this.#publish("/tasks/exec-added", "TaskExecAdded", event);
  }

  /** An exec runs. */
  execStarted(event: containerd.events.ITaskExecStarted): void {
    this.#publish("/tasks/exec-started", "TaskExecStarted", event);
  }

  /** A process has exited; `id` is the exec's, or the container's for the init. */
  exited(event: containerd.events.ITaskExit): void {
    this.#publish("/tasks/exit", "TaskExit", event);
  }

  /** The container is frozen. */
  paused(event: containerd.events.ITaskPaused): void {
    this.#publish("/tasks/paused", "TaskPaused", event);
  }

  /** The container runs again. */
  resumed(event: containerd.events.ITaskResumed): void {
    this.#publish("/tasks/resumed", "TaskResumed", event);
  }

  /** The container's state was written to disk. */
  checkpointed(event: containerd.events.ITaskCheckpointed): void {
    this.#publish("/tasks/checkpointed", "TaskCheckpointed", event);
  }

  /** The container was out of memory. */
  oom(event: containerd.events.ITaskOOM): void {
    this.#publish("/tasks/oom", "TaskOOM", event);
  }

  /** The container is gone. */
  deleted(event: containerd.events.ITaskDelete): void {
    this.#publish("/tasks/delete", "TaskDelete", event);
  }

  /** Whether there is an event that the daemon has not acknowledged yet. */
  get areWaiting(): boolean {
    return this.#queue.isWaiting;
  }

  /** Resolves when the daemon has acknowledged every event. */
  flushed(): Promise<void> {
    return this.#queue.flushed();
  }

  /** Stops sending; says how many events the daemon never acknowledged. */
  close(): number {
    this.#daemon.close();
    return this.#queue.close();
  }

  #publish<Name extends keyof Events>(topic: string, name: Name, event: Encodable<Events[Name]>): void {
    const envelope = {
      timestamp: timestamp(new Date()),
      namespace: this.#namespace,
      topic,
      event: { typeUrl: `containerd.events.${name}`, value: encodeWith(containerd.events[name], event) },
    };
    this.#queue.publish({ topic, request: { envelope } });
  }
}

interface Forward extends QueuedEvent {
  readonly request: containerd.services.events.ttrpc.v1.IForwardRequest;
}

/** Who takes events. */
interface Daemon {
  readonly send: SendEvent<Forward>;
  close(): void;
}

/** Sends to the daemon over one connection, made when it is needed and made anew when it was lost. */
function forwarder(address: string, timeoutMs: number): Daemon {
  let connection: Promise<ClientConnection> | undefined;
  const connected = () => {
    connection ??= connect(address, timeoutMs).then((made) => {
      void made.closed.then(() => {
        connection = undefined;
      });
      return made;
    });
    connection.catch(() => {
      connection = undefined;
    });
    return connection;
  };
  const send: SendEvent<Forward> = async ({ request }) => {
    const client = createClient(events, await connected());
    await client.forward(request, { timeoutMs });
  };
  return { send, close: () => void connection?.then((made) => made.close()).catch(() => {}) };
}

async function connect(address: string, timeoutMs: number): Promise<ClientConnection> {
  const stream = connectTo(toNetPath(parseAddress(address)));
  try {
    return new ClientConnection(await within(stream, timeoutMs, `connecting to ${address}`));
  } catch (err) {
    // One that comes to be after its time is nobody's.
    stream.then((late) => late.destroy()).catch(() => {});
    throw err;
  }
}
