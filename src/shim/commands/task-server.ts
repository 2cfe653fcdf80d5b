import fs from "node:fs";
import { within } from "../../base/deadline.ts";
import { type Deferred, deferred } from "../../base/deferred.ts";
import { StatusError } from "../../base/status.ts";
import { taskV2, taskV3 } from "../../proto/index.ts";
import { type CallContext, type Handlers, Server } from "../../ttrpc/index.ts";
import { type BunListener, bun } from "../bun.ts";
import type { Flags } from "../flags.ts";
import { IdleMemory } from "../idle-memory.ts";
import type { Settings } from "../settings.ts";
import { acceptAt } from "../socket-stream.ts";
import type { TaskService } from "../task/task-service.ts";
import { SERVER_SOCKET_FD } from "./ready.ts";

/** What is known before anything is served. */
interface Beginning {
  readonly flags: Flags;
  readonly settings: Settings;
  /** Settled once: when the daemon, or a signal, ends the shim. */
  readonly ending: Deferred<string>;
}

/** What the parts of the server share. */
interface Serving extends Beginning {
  readonly server: Server;
  readonly listener: BunListener;
}

/** Serves the task API on the inherited socket until Shutdown or a signal. */
export async function serveTasks(beginning: Beginning): Promise<never> {
  const { flags, settings, ending } = beginning;
  const service = deferred<TaskService>();
  service.promise.catch(() => {});
  const server = new Server();
  register(server, service.promise);
  const listener = acceptAt({ fd: SERVER_SOCKET_FD }, (stream) => server.accept(stream));
  const serving = { ...beginning, server, listener };
  const { openService } = await import("./open-service.ts");
  try {
    const opened = openService({ flags, settings, shutdown: () => ending.resolve("Shutdown") });
    service.resolve(opened.service);
    opened.logger.debug("serving", { socket: flags.socket });
    const why = await ending.promise;
    opened.logger.debug("ending", { why });
    return await end(serving, opened.events);
  } catch (err) {
    service.reject(StatusError.from(err));
    await ending.promise;
    return await end(serving, undefined);
  }
}

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

/** Both versions of the task API are the same calls with the same messages. A call waits for the service. */
function register(server: Server, service: Promise<TaskService>): void {
  const memory = new IdleMemory(() => bun.shrink());
  const handlers: Record<string, (request: never, context: CallContext) => Promise<unknown>> = {};
  for (const name of CALLS) {
    handlers[name] = async (request, context) => {
      try {
        return await (await service)[name](request, context);
      } finally {
        memory.ended(name);
      }
    };
  }
  for (const descriptor of [taskV2, taskV3])
    server.register(descriptor, handlers as Partial<Handlers<typeof taskV2>>);
}

/** Answers what is under way, hands the daemon the last events, and leaves nothing on the file system. */
async function end(
  { server, listener, settings, flags }: Serving,
  events: { flushed(): Promise<void>; close(): number } | undefined,
): Promise<never> {
  const limit = settings.shutdownMs;
  await within(events?.flushed() ?? Promise.resolve(), limit, "sending the last events").catch(() => {});
  events?.close();
  // Before the connections close: who sees that happen may look for what is left.
  if (flags.socket !== "") fs.rmSync(flags.socket, { force: true });
  listener.stop();
  await server.shutdown({ timeoutMs: limit });
  process.exit(0);
}
