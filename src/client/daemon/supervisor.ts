import { abortable, within } from "../../base/deadline.ts";
import { hasCode, StatusCode, StatusError } from "../../base/status.ts";
import type { google } from "../../proto/index.ts";
import type { EventReceiver } from "../event-receiver.ts";
import { checkIdentifier } from "../identifier.ts";
import { mergeEnv, specUser } from "../spec.ts";
import type { TaskClient } from "../task-client.ts";
import type { TaskEvent } from "../task-event.ts";
import type { ContainerConfig } from "./container-config.ts";
import { ContainerKeeper, SIGKILL, unknownEnding } from "./container-keeper.ts";
import { checkConfig, checkFree, makeContainer, userOf } from "./make-container.ts";
import { ManagedContainer } from "./managed-container.ts";
import { type OpenContainers, openContainers } from "./open-containers.ts";
import type { ContainerStatus, Ending } from "./status.ts";
import { stopSignalOf } from "./stop-signal.ts";
import type { SupervisorContext } from "./supervisor-context.ts";
import type { ContainerView, ExecOptions, StdioPaths, SupervisorOptions } from "./supervisor-options.ts";

export type { ContainerView, ExecOptions, StdioPaths, SupervisorOptions } from "./supervisor-options.ts";

/** Which process a signal is for; the container's init alone if nothing is given. */
export interface KillOptions {
  readonly execId?: string;
  /** All processes of the container. */
  readonly all?: boolean;
}

/** How a container is told to stop. */
export interface StopOptions {
  /** How long it has before SIGKILL, in milliseconds. */
  readonly graceMs: number;
  /** The signal's number; the container's own stop signal if not given. */
  readonly signal?: number;
}

/**
 * The containers of a host that runs no daemon of containers: one shim each, whose state is held here. What may
 * take long is done in a queue per container, so none waits for another; `list` and `find` wait for nothing.
 */
export class Supervisor {
  readonly #context: SupervisorContext;
  readonly #events: EventReceiver;
  readonly #containers: Map<string, ManagedContainer>;
  readonly #keeper: ContainerKeeper;
  readonly #closing: AbortController;
  /** The last list, which is the same until something changes. */
  #listed: { readonly statuses?: readonly ContainerStatus[]; readonly views: readonly ContainerView[] } = {
    views: [],
  };

  private constructor({ context, events, containers }: OpenContainers, closing: AbortController) {
    this.#context = context;
    this.#events = events;
    this.#containers = containers;
    this.#keeper = new ContainerKeeper(context, containers);
    this.#closing = closing;
  }

  /**
   * Resolves once the records are read, before any shim was asked: each container is reconnected, or its dead shim
   * cleaned up by `delete`, in a queue of its own.
   */
  static async open(options: SupervisorOptions): Promise<Supervisor> {
    const closing = new AbortController();
    const opened = await openContainers(options, closing.signal);
    const supervisor = new Supervisor(opened, closing);
    const unfinished = new Set(opened.unfinished);
    for (const container of opened.containers.values()) {
      if (unfinished.has(container)) supervisor.#keeper.unmakeLater(container);
      else if (!container.isBroken) supervisor.#keeper.lookAfter(container);
    }
    return supervisor;
  }

  /** All containers, in the order in which they were made. */
  list(): readonly ContainerView[] {
    const statuses = this.#context.store.list();
    if (this.#listed.statuses !== statuses) {
      this.#listed = { statuses, views: Object.freeze([...this.#containers.values()].map(viewOf)) };
    }
    return this.#listed.views;
  }

  /** The container with this id, or the only one whose id begins so: `notFound`, or `failedPrecondition` naming several. */
  find(idOrPrefix: string): ContainerView {
    const exact = this.#containers.get(idOrPrefix);
    if (exact !== undefined) return viewOf(exact);
    const ids =
      idOrPrefix === "" ? [] : [...this.#containers.keys()].filter((id) => id.startsWith(idOrPrefix));
    const [only, ...others] = ids;
    if (only === undefined) throw new StatusError(StatusCode.notFound, `there is no container ${idOrPrefix}`);
    if (others.length === 0) return viewOf(this.#get(only));
    const message = `${idOrPrefix} is the beginning of several: ${ids.join(", ")}`;
    throw new StatusError(StatusCode.failedPrecondition, message);
  }

  /** Makes a container; `invalidArgument` for an id that is none; `alreadyExists`; where it fails nothing is left of it. */
  async create(config: ContainerConfig, stdio: StdioPaths = {}): Promise<ContainerView> {
    const { store, records, places } = this.#context;
    const id = checkIdentifier("id", config.id);
    this.#closing.signal.throwIfAborted();
    if (this.#containers.has(id)) {
      throw new StatusError(StatusCode.alreadyExists, `container ${id} exists already`);
    }
    const container = new ManagedContainer(this.#context, config);
    checkConfig(container);
    this.#containers.set(id, container);
    store.add(id);
    try {
      await checkFree(container);
      await records.add(config, places.place(id));
      container.isOnRecord = true;
      await makeContainer(this.#context, container, stdio);
    } catch (thrown) {
      await this.#keeper.unmake(container, StatusError.from(thrown));
    }
    this.#keeper.lookAfter(container);
    return viewOf(container);
  }

  /** Lets a container's program run; resolves to its pid. */
  async start(id: string): Promise<number> {
    const container = this.#get(id);
    const { limits, store } = this.#context;
    const task = await container.reach();
    const { pid } = await task.start({ id }, { timeoutMs: limits.createMs });
    if (container.status.phase === "created") store.set(id, { phase: "running", pid });
    // Nobody waits for it: should it not get there, the shim says the same.
    container.save().catch((error: StatusError) => store.remark(id, error.message));
    return pid;
  }

  /** How a process ends or has ended: the container's init, or the one with this exec id. */
  async wait(id: string, execId = "", { signal }: { signal?: AbortSignal } = {}): Promise<Ending> {
    const ending = execId === "" ? this.#waitForInit(id, signal) : this.#get(id).execs.wait(execId);
    return signal === undefined ? ending : abortable(ending, signal);
  }

  /** Runs a further process; resolves to its pid. `invalidArgument` for an id that is none. */
  async exec(id: string, options: ExecOptions): Promise<number> {
    const { execId, args, env, cwd, user, terminal, stdio } = options;
    checkIdentifier("exec id", execId);
    const container = this.#get(id);
    // A container that has ended says so, rather than that its bundle is gone.
    await container.reach();
    const { process } = container.spec;
    const who = await userOf(this.#context, container, user);
    const added = terminal ? ["TERM=xterm", ...env] : env;
    return container.execs.run({
      execId,
      stdio,
      process: {
        ...process,
        ...(cwd === undefined ? {} : { cwd }),
        ...(who === undefined ? {} : { user: specUser(who) }),
        args: [...args],
        env: mergeEnv(process.env, added),
        terminal,
      },
    });
  }

  /** Sends a signal, by its number. */
  async kill(id: string, signal: number, { execId = "", all = false }: KillOptions = {}): Promise<void> {
    await (await this.#reach(id)).kill({ id, execId, signal, all }, this.#callOptions);
  }

  /** Tells a container to stop, and kills it when it does not; resolves to how it has ended. */
  async stop(id: string, { graceMs, signal }: StopOptions): Promise<Ending> {
    const container = this.#get(id);
    const { phase } = container.status;
    const { killMs } = this.#context.limits;
    if (phase === "running" || phase === "paused") {
      await this.#signal(id, signal ?? stopSignalOf(container.config.stopSignal));
      // One that has ended by then, or runs already, cannot be resumed; one that stays as it is gets the next signal.
      if (phase === "paused") await this.resume(id).catch(() => {});
      const ending = await within(this.#waitForInit(id), graceMs, "").catch(unlessLate);
      if (ending !== undefined) return ending;
    }
    if (container.status.phase !== "stopped") await this.#signal(id, SIGKILL);
    return within(this.#waitForInit(id), killMs, `the end of container ${id} after SIGKILL`);
  }

  async pause(id: string): Promise<void> {
    await (await this.#reach(id)).pause({ id }, this.#callOptions);
  }

  async resume(id: string): Promise<void> {
    await (await this.#reach(id)).resume({ id }, this.#callOptions);
  }

  /** Sets the size of a process's terminal; an empty exec id means the container's init. */
  async resize(
    id: string,
    execId: string,
    size: { readonly width: number; readonly height: number },
  ): Promise<void> {
    await (await this.#reach(id)).resizePty({ id, execId, ...size }, this.#callOptions);
  }

  /** No more comes on stdin. */
  async closeStdin(id: string, execId = ""): Promise<void> {
    await (await this.#reach(id)).closeIO({ id, execId, stdin: true }, this.#callOptions);
  }

  /**
   * Removes a container that does not run; with `force` it is killed first. What it has written goes when the
   * release of its root file system is over, which this does not wait for.
   */
  async remove(id: string, { force }: { readonly force: boolean }): Promise<void> {
    const container = this.#get(id);
    const { phase } = container.status;
    if (phase === "creating") {
      throw new StatusError(StatusCode.failedPrecondition, `container ${id} is still being made`);
    }
    if (!force && (phase === "running" || phase === "paused")) {
      const message = `container ${id} is ${phase}: stop it first, or remove it by force`;
      throw new StatusError(StatusCode.failedPrecondition, message);
    }
    await this.#keeper.remove(container, force);
  }

  /** What a container uses, as its shim tells it. */
  async stats(id: string): Promise<google.protobuf.IAny> {
    return (await (await this.#reach(id)).stats({ id }, this.#callOptions)).stats ?? {};
  }

  /** Each new status of any container, from the oldest that is kept; a reader too far behind gets `resourceExhausted`. */
  changes(): AsyncIterable<ContainerStatus> {
    return this.#context.store.changes;
  }

  /** Each event of any shim, from the oldest that is kept; a reader too far behind gets `resourceExhausted`. */
  events(): AsyncIterable<TaskEvent> {
    return this.#events;
  }

  /** Stops looking after the containers, which go on. */
  async close(): Promise<void> {
    const { exits, layers, store } = this.#context;
    this.#closing.abort(new StatusError(StatusCode.cancelled, "the supervisor is closed"));
    exits.close();
    layers.close();
    await this.#events.close();
    await Promise.all([...this.#containers.values()].map((container) => container.close()));
    store.close();
  }

  get #callOptions(): { timeoutMs: number } {
    return { timeoutMs: this.#context.limits.callMs };
  }

  #get(id: string): ManagedContainer {
    const container = this.#containers.get(id);
    if (container !== undefined) return container;
    throw new StatusError(StatusCode.notFound, `there is no container ${id}`);
  }

  async #reach(id: string): Promise<TaskClient> {
    return this.#get(id).reach();
  }

  async #waitForInit(id: string, signal?: AbortSignal): Promise<Ending> {
    const { store } = this.#context;
    const { signal: closing } = this.#closing;
    // Throws where there was none.
    if (this.#keeper.endingOf(id) === undefined) this.#get(id);
    for (;;) {
      const status = store.get(id);
      if (status === undefined) return this.#keeper.endingOf(id) ?? unknownEnding;
      if (status.phase === "stopped") return status.ending ?? unknownEnding;
      signal?.throwIfAborted();
      await abortable(store.changed, closing);
    }
  }

  /** A signal that finds no process any more has come too late, and that is well. */
  async #signal(id: string, signal: number): Promise<void> {
    await this.kill(id, signal).catch(unlessEnded);
  }
}

function viewOf({ config, status }: ManagedContainer): ContainerView {
  return { config, status };
}

function unlessEnded(error: unknown): void {
  if (!hasCode(error, StatusCode.notFound)) throw error;
}

function unlessLate(error: unknown): undefined {
  if (!hasCode(error, StatusCode.deadlineExceeded)) throw error;
}
