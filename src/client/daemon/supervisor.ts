import { StatusCode, StatusError } from "../../base/status.ts";
import type { google } from "../../proto/index.ts";
import type { TaskEvent } from "../task-event.ts";
import type { ContainerConfig } from "./container-config.ts";
import type { ContainerStatus, Ending } from "./status.ts";
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
  private constructor(_options: SupervisorOptions) {}

  /**
   * Resolves once the records are read, before any shim was asked: each container is reconnected, or its dead shim
   * cleaned up by `delete`, in a queue of its own.
   */
  static async open(options: SupervisorOptions): Promise<Supervisor> {
    return new Supervisor(options);
  }

  /** All containers, in the order in which they were made. */
  list(): readonly ContainerView[] {
    throw missing("list");
  }

  /** The container with this id, or the only one whose id begins so: `notFound`, or `failedPrecondition` naming several. */
  find(idOrPrefix: string): ContainerView {
    throw missing(idOrPrefix);
  }

  /** Makes a container; `alreadyExists`; where it fails nothing is left of it. */
  async create(config: ContainerConfig, _stdio: StdioPaths = {}): Promise<ContainerView> {
    throw missing(config.id);
  }

  /** Lets a container's program run; resolves to its pid. */
  async start(id: string): Promise<number> {
    throw missing(id);
  }

  /** How a process ends or has ended: the container's init, or the one with this exec id. */
  async wait(id: string, _execId?: string, _options: { signal?: AbortSignal } = {}): Promise<Ending> {
    throw missing(id);
  }

  /** Runs a further process; resolves to its pid. */
  async exec(id: string, _options: ExecOptions): Promise<number> {
    throw missing(id);
  }

  /** Sends a signal, by its number. */
  async kill(id: string, _signal: number, _options: KillOptions = {}): Promise<void> {
    throw missing(id);
  }

  /** Tells a container to stop, and kills it when it does not; resolves to how it has ended. */
  async stop(id: string, _options: StopOptions): Promise<Ending> {
    throw missing(id);
  }

  async pause(id: string): Promise<void> {
    throw missing(id);
  }

  async resume(id: string): Promise<void> {
    throw missing(id);
  }

  /** Sets the size of a process's terminal; an empty exec id means the container's init. */
  async resize(
    id: string,
    _execId: string,
    _size: { readonly width: number; readonly height: number },
  ): Promise<void> {
    throw missing(id);
  }

  /** No more comes on stdin. */
  async closeStdin(id: string, _execId?: string): Promise<void> {
    throw missing(id);
  }

  /**
   * Removes a container that does not run; with `force` it is killed first. What it has written goes when the
   * release of its root file system is over, which this does not wait for.
   */
  async remove(id: string, _options: { readonly force: boolean }): Promise<void> {
    throw missing(id);
  }

  /** What a container uses, as its shim tells it. */
  async stats(id: string): Promise<google.protobuf.IAny> {
    throw missing(id);
  }

  /** Each new status of any container, from the oldest that is kept; a reader too far behind gets `resourceExhausted`. */
  changes(): AsyncIterable<ContainerStatus> {
    throw missing("changes");
  }

  /** Each event of any shim, from the oldest that is kept; a reader too far behind gets `resourceExhausted`. */
  events(): AsyncIterable<TaskEvent> {
    throw missing("events");
  }

  /** Stops looking after the containers, which go on. */
  async close(): Promise<void> {}
}

function missing(what: string): StatusError {
  return new StatusError(StatusCode.unimplemented, `the supervisor cannot do this yet (${what})`);
}
