import { mkdir, rm, rmdir } from "node:fs/promises";
import path from "node:path";
import { events } from "../proto/index.ts";
import { Server } from "../ttrpc/index.ts";
import { EventLog } from "./event-log.ts";
import { decodeEnvelope, type TaskEvent } from "./task-event.ts";

/** How many events are kept unless said otherwise. */
const CAPACITY = 4096;

/** How events are taken. */
export interface EventReceiverOptions {
  /** How many events are kept. */
  readonly capacity?: number;
  /** What an earlier process has left where this one listens is removed. */
  readonly takeOver?: boolean;
  /** Gets each event as it comes, before its shim is told that it was taken. Must not throw. */
  readonly onEvent?: (event: TaskEvent) => void;
}

/**
 * The daemon's end of a shim's events: a ttrpc server on a unix socket that takes what shims forward, in the
 * order in which they send it. The latest events are kept, so nothing is missed by who starts to read late.
 */
export class EventReceiver implements AsyncIterable<TaskEvent> {
  /** The path of the socket, as TTRPC_ADDRESS takes it. */
  readonly address: string;
  readonly #server: Server;
  readonly #log: EventLog<TaskEvent>;

  private constructor(address: string, server: Server, log: EventLog<TaskEvent>) {
    this.address = address;
    this.#server = server;
    this.#log = log;
  }

  /**
   * Listens on a socket (0600) in a directory that is made for it (0700) and must not exist, unless it is taken over;
   * `close` removes both. `invalidArgument` when the path is longer than the kernel takes.
   */
  static async listen(dir: string, options: EventReceiverOptions = {}): Promise<EventReceiver> {
    const { capacity = CAPACITY, takeOver = false, onEvent } = options;
    const address = EventReceiver.addressIn(dir);
    const log = new EventLog<TaskEvent>(capacity);
    const server = new Server();
    server.register(events, {
      forward: async ({ envelope }) => {
        if (!envelope) return {};
        const event = decodeEnvelope(envelope);
        onEvent?.(event);
        log.add(event);
        return {};
      },
    });
    if (takeOver) await rm(dir, { recursive: true, force: true });
    await mkdir(dir, { mode: 0o700 });
    try {
      await server.listen({ path: address, mode: 0o600 });
    } catch (error) {
      await rmdir(dir);
      throw error;
    }
    return new EventReceiver(address, server, log);
  }

  /** The address of who listens in a directory: the same for all that do so one after the other. */
  static addressIn(dir: string): string {
    return path.join(dir, "ttrpc.sock");
  }

  /** The events that are kept, oldest first. */
  get received(): readonly TaskEvent[] {
    return this.#log.kept;
  }

  /**
   * The first event, kept or to come, for which the predicate holds. Rejects with `deadlineExceeded` after
   * `timeoutMs` milliseconds, naming `what`, and with `unavailable` when the receiver is closed before.
   */
  waitFor(predicate: (event: TaskEvent) => boolean, timeoutMs: number, what?: string): Promise<TaskEvent> {
    return this.#log.waitFor(predicate, timeoutMs, what);
  }

  /** All events in order, from the oldest that is kept, until the receiver is closed. */
  [Symbol.asyncIterator](): AsyncIterator<TaskEvent, void> {
    return this.#log[Symbol.asyncIterator]();
  }

  /** Stops listening, ends the readers and removes the socket and its directory. */
  async close(): Promise<void> {
    await this.#server.close();
    this.#log.end();
    await rm(path.dirname(this.address), { recursive: true, force: true });
  }
}
