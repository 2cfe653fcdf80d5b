import { abortable } from "../../base/deadline.ts";
import { supervisor as service } from "../../proto/own.ts";
import { type Handlers, Server } from "../../ttrpc/index.ts";
import type { Supervisor } from "./supervisor.ts";
import { configFromWire, endingToWire, eventToWire, stdioFromWire, viewToWire } from "./wire.ts";

/** What is served: a supervisor, but for how it is opened and closed. */
export type Served = Omit<Supervisor, "close" | "changes">;

/** A line that the shim of a container has logged. */
export interface ShimLine {
  readonly id: string;
  readonly text: string;
  /** In milliseconds since the epoch. */
  readonly at: number;
}

/** What is served along with it. */
export interface ServeOptions {
  /** What it says of itself. */
  readonly version: string;
  /** What its shims log. */
  readonly shimLog: AsyncIterable<ShimLine>;
}

/** A server of a supervisor, which listens nowhere yet. */
export function serverOf(supervisor: Served, { version, shimLog }: ServeOptions): Server {
  return new Server().register(service, {
    ...readers(supervisor),
    ...lives(supervisor),
    ...processes(supervisor),
    hello: () => ({ version, pid: process.pid }),
    async *shimLog({ id }, { signal }) {
      const since = Date.now();
      for await (const line of whileAsked(shimLog, signal)) {
        if (line.id === id && line.at >= since) yield { text: line.text };
      }
    },
  });
}

/** What answers at once, and what only looks on. */
function readers(supervisor: Served) {
  return {
    async *list() {
      yield* supervisor.list().map(viewToWire);
    },
    find: ({ idOrPrefix }) => viewToWire(supervisor.find(idOrPrefix)),
    stats: async ({ id }) => {
      const { typeUrl, value } = await supervisor.stats(id);
      return { typeUrl: typeUrl ?? "", value: value ?? new Uint8Array() };
    },
    async *events(_, { signal }) {
      for await (const event of whileAsked(supervisor.events(), signal)) yield eventToWire(event);
    },
  } satisfies Partial<Handlers<typeof service>>;
}

/** From a container's beginning to its removal. */
function lives(supervisor: Served) {
  return {
    create: async ({ config, stdio }) =>
      viewToWire(await supervisor.create(configFromWire(config), stdioFromWire(stdio))),
    start: async ({ id }) => ({ pid: await supervisor.start(id) }),
    stop: async ({ id, graceMs, signal }) => {
      const options = signal === 0 ? { graceMs } : { graceMs, signal };
      return endingToWire(await supervisor.stop(id, options));
    },
    pause: done(({ id }) => supervisor.pause(id)),
    resume: done(({ id }) => supervisor.resume(id)),
    remove: async ({ id, force }) => {
      await supervisor.remove(id, { force });
      return {};
    },
  } satisfies Partial<Handlers<typeof service>>;
}

/** What is about one process of a container, its init or another. */
function processes(supervisor: Served) {
  return {
    exec: async (request) => {
      const { id, execId, args, env, cwd, user, terminal } = request;
      const more = { ...(cwd !== "" && { cwd }), ...(user !== "" && { user }) };
      const stdio = stdioFromWire(request.stdio);
      return { pid: await supervisor.exec(id, { execId, args, env, terminal, stdio, ...more }) };
    },
    wait: async ({ id, execId }, { signal }) =>
      endingToWire(await supervisor.wait(id, execId || undefined, { signal })),
    kill: async ({ id, execId, signal, all }) => {
      await supervisor.kill(id, signal, { all, ...(execId !== "" && { execId }) });
      return {};
    },
    resizePty: async ({ id, execId, width, height }) => {
      await supervisor.resize(id, execId, { width, height });
      return {};
    },
    closeStdin: async ({ id, execId }) => {
      await supervisor.closeStdin(id, execId || undefined);
      return {};
    },
  } satisfies Partial<Handlers<typeof service>>;
}

function done<Request>(work: (request: Request) => Promise<void>) {
  return async (request: Request) => {
    await work(request);
    return {};
  };
}

/** All that come until nobody asks for them any more. */
async function* whileAsked<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const reader = items[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await abortable(reader.next(), signal);
    if (done) return;
    yield value;
  }
}
