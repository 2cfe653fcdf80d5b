import type { Duplex } from "node:stream";
import { sleep } from "../base/deadline.ts";
import { type Logger, nullLogger } from "../base/logger.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { type Handlers, Registry } from "./handlers.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { type Listener, type ListenOptions, listen } from "./listen.ts";
import { ServerConnection } from "./server-connection.ts";
import type { ServiceDescriptor } from "./service.ts";

/** What a server may be given. */
export interface ServerOptions {
  readonly limits?: Partial<Limits>;
  /** Gets what handlers throw that is no StatusError, and what listening sockets report. */
  readonly logger?: Logger;
}

/** How long `shutdown` waits for calls that are under way, in milliseconds, where it is not told. */
const SHUTDOWN_MS = 10_000;

/** Serves registered services on any number of sockets and streams, until it is closed or shut down. */
export class Server {
  readonly #registry = new Registry();
  readonly #limits: Limits;
  readonly #logger: Logger;
  readonly #listeners = new Set<Listener>();
  readonly #connections = new Set<ServerConnection>();
  #closing: StatusError | undefined;

  constructor(options: ServerOptions = {}) {
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#logger = options.logger ?? nullLogger;
  }

  /** How many handlers run for clients that are connected. */
  get activeCalls(): number {
    let calls = 0;
    for (const connection of this.#connections) calls += connection.activeCalls;
    return calls;
  }

  /** How many clients are connected. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Serves a service. A method without a handler is answered `unimplemented`. What a handler throws becomes the
   * status of the call: a StatusError as it is, an abort `cancelled`, anything else `internal` with the error's
   * message (never its stack), and is logged. Throws `alreadyExists` for a service that is registered.
   */
  register<D extends ServiceDescriptor>(descriptor: D, handlers: Partial<Handlers<D>>): this {
    this.#registry.add(descriptor, handlers);
    return this;
  }

  /** Accepts clients on a socket; resolves when they can connect. For the errors see {@link listen}. */
  async listen(where: ListenOptions): Promise<Listener> {
    this.#refuseIfClosing();
    const listener = await listen(where, {
      onStream: (stream) => void (this.#closing === undefined ? this.#serve(stream) : stream.destroy()),
      logger: this.#logger,
    });
    if (this.#closing !== undefined) {
      await listener.close();
      throw this.#closing;
    }
    this.#listeners.add(listener);
    return listener;
  }

  /** Serves one client over a stream of bytes. Throws `unavailable` when the server was closed. */
  accept(stream: Duplex): ServerConnection {
    this.#refuseIfClosing();
    return this.#serve(stream);
  }

  /** Stops at once: no more clients, connections end, the handlers' signals abort. */
  async close(): Promise<void> {
    this.#closing ??= new StatusError(StatusCode.unavailable, "connection closed: the server has stopped");
    const listening = [...this.#listeners].map((listener) => listener.close());
    for (const connection of [...this.#connections]) connection.close(this.#closing);
    await Promise.all(listening);
  }

  /**
   * Stops in order: no more clients and calls, then each connection ends when its calls are answered. After
   * `timeoutMs` (10 s) what is left is closed. Says how many handlers were still running then.
   */
  async shutdown({ timeoutMs = SHUTDOWN_MS }: { readonly timeoutMs?: number } = {}): Promise<number> {
    const reason = new StatusError(StatusCode.unavailable, "connection closed: the server is shutting down");
    this.#closing ??= reason;
    const listening = [...this.#listeners].map((listener) => listener.close());
    const ended = [...this.#connections].map((connection) => connection.closed);
    for (const connection of [...this.#connections]) connection.drain(reason);
    const patience = new AbortController();
    await Promise.race([Promise.all(ended), sleep(timeoutMs, patience.signal).catch(() => {})]);
    patience.abort();
    const left = this.activeCalls;
    await Promise.all([this.close(), ...listening]);
    return left;
  }

  #serve(stream: Duplex): ServerConnection {
    const options = { registry: this.#registry, limits: this.#limits, logger: this.#logger };
    const connection = new ServerConnection(stream, options);
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
    return connection;
  }

  #refuseIfClosing(): void {
    if (this.#closing !== undefined) throw new StatusError(StatusCode.unavailable, "the server has stopped");
  }
}
