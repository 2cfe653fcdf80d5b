import fs from "node:fs";
import type { Duplex } from "node:stream";
import { within } from "../../base/deadline.ts";
import { deferred } from "../../base/deferred.ts";
import { StatusError } from "../../base/status.ts";
import { taskV2, taskV3 } from "../../proto/index.ts";
import { type CallContext, type Handlers, Server } from "../../ttrpc/index.ts";
import { bun } from "../bun.ts";
import type { Flags } from "../flags.ts";
import { IdleMemory } from "../idle-memory.ts";
import { IdleSockets } from "../idle-sockets.ts";
import type { Settings } from "../settings.ts";
import type { TaskService } from "../task/task-service.ts";
import { Unused } from "../unused.ts";
import type { OpenService } from "./open-service.ts";
import type { Call } from "./under-way.ts";

/** What a server needs to know of whom it serves. */
export interface Serving {
  readonly flags: Flags;
  readonly settings: Settings;
  /** What hands its connections to {@link TaskServer.accept}. */
  readonly listener: { stop(): void };
  /** Resolves when a signal ends this process. */
  readonly signalled: Promise<string>;
}

/** What there is to say of one that has ended. */
export interface Served {
  /** Whether its end was asked for and came about, and nothing unforeseen has happened in this process. */
  isSound(): boolean;
  /** Lets go what it has kept in this process until now: its log, and what sees to the ends of children. */
  close(): void;
}

/** Serves the task API for one container, or one pod. A call that comes early waits until it is known whose. */
export class TaskServer {
  readonly #server = new Server();
  readonly #service = deferred<TaskService>();
  readonly #memory = new IdleMemory(() => bun.shrink());
  readonly #calls = new Set<Call>();
  #unused: Unused | undefined;
  #sockets: IdleSockets | undefined;

  constructor() {
    this.#service.promise.catch(() => {});
    this.#register();
  }

  /** Takes a connection. */
  accept(stream: Duplex): void {
    this.#unused?.called();
    this.#server.accept(stream);
  }

  /**
   * Serves until Shutdown or a signal, or until nobody uses it for long. Resolves when the last answers and events are out
   * and nothing is left on the file system.
   */
  async serve(serving: Serving): Promise<Served> {
    const ending = deferred<string>();
    serving.signalled.then(ending.resolve);
    const opened = await this.#open(serving, () => ending.resolve(SHUTDOWN));
    this.#unused = watchUse(opened, serving, () => ending.resolve(UNUSED));
    const tell = () => void this.#tell(serving, opened);
    process.on(TELL_SIGNAL, tell);
    const why = await ending.promise;
    process.off(TELL_SIGNAL, tell);
    opened?.logger.debug("ending", { why });
    const isWhole = await this.#end(serving, opened);
    return {
      isSound: () => isWhole && why === SHUTDOWN && opened?.isSound() === true,
      close: () => opened?.close(),
    };
  }

  /** Undefined where there can be no service: every call is told why. */
  async #open({ flags, settings }: Serving, shutdown: () => void): Promise<OpenService | undefined> {
    try {
      const { openService } = await import("./open-service.ts");
      const opened = openService({ flags, settings, shutdown });
      const { service, libc, logger } = opened;
      this.#sockets = new IdleSockets((fd) => libc.streams.duplicate(fd), logger);
      this.#service.resolve(service);
      logger.debug("serving", { socket: flags.socket });
      return opened;
    } catch (err) {
      this.#service.reject(StatusError.from(err));
      return undefined;
    }
  }

  async #tell({ flags, settings }: Serving, opened: OpenService | undefined): Promise<void> {
    try {
      const { tellUnderWay } = await import("./under-way.ts");
      const { namespace } = flags;
      if (opened) tellUnderWay(opened, this.#calls, { namespace, runDirectory: settings.runDirectory });
    } catch (err) {
      opened?.logger.error("what is under way cannot be told", { err });
    }
  }

  /**
   * Answers what is under way, hands the daemon the last events, and leaves nothing on the file system. Resolves to
   * whether all of it came about.
   */
  async #end({ listener, settings, flags }: Serving, opened: OpenService | undefined): Promise<boolean> {
    const limit = settings.shutdownMs;
    const flushed = opened?.events.flushed() ?? Promise.resolve();
    const isTold = await within(flushed, limit, "sending the last events").then(
      () => true,
      () => false,
    );
    opened?.events.close();
    // Before the connections close: who sees that happen may look for what is left.
    if (flags.socket !== "") fs.rmSync(flags.socket, { force: true });
    listener.stop();
    const unanswered = await this.#server.shutdown({ timeoutMs: limit });
    this.#memory.stop();
    this.#sockets?.stop();
    this.#unused?.stop();
    return isTold && unanswered === 0;
  }

  /** Both versions of the task API are the same calls with the same messages. */
  #register(): void {
    const handlers: Record<string, (request: never, context: CallContext) => Promise<unknown>> = {};
    for (const name of CALLS) {
      handlers[name] = async (request, context) => {
        this.#unused?.called();
        const call = { name, request, since: performance.now() };
        this.#calls.add(call);
        try {
          return await (await this.#service.promise)[name](request, context);
        } finally {
          this.#calls.delete(call);
          this.#memory.ended(name);
          this.#sockets?.ended();
          this.#unused?.called();
        }
      };
    }
    for (const descriptor of [taskV2, taskV3])
      this.#server.register(descriptor, handlers as Partial<Handlers<typeof taskV2>>);
  }
}

/** Ends a server that nobody uses, be it one that cannot serve. */
function watchUse(opened: OpenService | undefined, { settings }: Serving, end: () => void): Unused {
  const { unusedMs } = settings;
  return new Unused({
    limitMs: unusedMs,
    isNeeded: () => opened !== undefined && (opened.service.hasContainers || opened.events.areWaiting),
    onUnused: () => {
      opened?.logger.warn("there is no container, and nobody has called: the shim ends", { unusedMs });
      end();
    },
  });
}

/** Has a server log what is under way; containerd's own shim logs its goroutines then. */
const TELL_SIGNAL = "SIGUSR1";

/** Why a server ends that the daemon has asked to. */
const SHUTDOWN = "Shutdown";

/** Why one ends that nobody asks to. */
const UNUSED = "unused";

/** The calls that are served; the others of the task API answer `unimplemented`. */
const CALLS = [
  "create",
  "start",
  "delete",
  "state",
  "kill",
  "exec",
  "resizePty",
  "closeIO",
  "update",
  "pause",
  "resume",
  "checkpoint",
  "wait",
  "pids",
  "stats",
  "connect",
  "shutdown",
] as const;
