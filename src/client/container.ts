import { abortable } from "../base/deadline.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import type { ContainerExit, ContainerOptions } from "./container-options.ts";
import {
  type ContainerParts,
  prepareParts,
  removeParts,
  sharesShim,
  shutDownShim,
} from "./container-parts.ts";
import type { EventReceiver } from "./event-receiver.ts";
import { launchShim } from "./launch.ts";
import type { Shim } from "./shim.ts";
import { step } from "./steps.ts";
import { toDate } from "./time.ts";

/** How long output may stay away after Delete before its end is no longer awaited, in milliseconds. */
const QUIET_MS = 2_000;

/**
 * A container and the shim that runs it, from Create to its removal. Whoever opens one calls `remove` in the
 * end, whatever happened: it leaves nothing behind.
 */
export class Container {
  readonly id: string;
  readonly #options: ContainerOptions;
  readonly #parts: ContainerParts = {};
  #pid = 0;
  #removal: Promise<void> | undefined;

  private constructor(options: ContainerOptions) {
    this.id = options.id;
    this.#options = options;
  }

  /** Makes the bundle, launches the shim and creates the container. When it rejects, all is removed again. */
  static async open(options: ContainerOptions): Promise<Container> {
    const container = new Container(options);
    try {
      await container.#open();
      return container;
    } catch (thrown) {
      const error = StatusError.from(thrown);
      await container.remove().catch((problem: StatusError) => {
        throw new StatusError(error.code, `${error.message}; and ${problem.message}`, { cause: error });
      });
      throw error;
    }
  }

  /** The pid of the container's init, in the host's pid namespace. */
  get pid(): number {
    return this.#pid;
  }

  /** The shim, for whatever this class has no method for. */
  get shim(): Shim {
    return present(this.#parts.shim, this.id);
  }

  /** The events that the shim has sent. */
  get events(): EventReceiver {
    return present(this.#parts.events, this.id);
  }

  /** Lets the container's program run; resolves to its pid. */
  async start(): Promise<number> {
    await this.#step("start", () => this.shim.task.start({ id: this.id }, this.#callOptions()));
    return this.#pid;
  }

  /** Waits for the exit of the container's init; as often as one likes, before or after it. */
  async wait(): Promise<ContainerExit> {
    return this.#step("wait", async () => {
      const { exitStatus, exitedAt } = await this.shim.task.wait({ id: this.id }, this.#callOptions());
      return { exitStatus, exitedAt: toDate(exitedAt) };
    });
  }

  /** Sends a signal, by its number, to the container's init, or to all its processes. */
  async kill(signal: number, options: { readonly all?: boolean } = {}): Promise<void> {
    await this.shim.task.kill({ id: this.id, signal, all: options.all ?? false });
  }

  /** Deletes the stopped container, then waits until all its output was taken by the sinks. */
  async delete(): Promise<ContainerExit> {
    const deleted = await this.#step("delete", () =>
      this.shim.task.delete({ id: this.id }, this.#callOptions()),
    );
    this.#parts.created = false;
    await this.#parts.stdio?.drained(QUIET_MS, this.#options.signal);
    return { exitStatus: deleted.exitStatus, exitedAt: toDate(deleted.exitedAt) };
  }

  /** Shuts the shim down and waits until its process is gone, 3 s at most. */
  async shutdown(): Promise<void> {
    await this.#step("shutdown", () => shutDownShim(this.#parts, sharesShim(this.#options)));
  }

  /**
   * Removes whatever is still there: kills the container, deletes it, ends the shim, unmounts, and removes
   * sockets and directories. Each thing that the shim does not do in time is done without it. Rejects, after
   * all was tried, with what could not be removed.
   */
  remove(): Promise<void> {
    this.#removal ??= step("remove", this.#options.onStep, () =>
      removeParts(this.#parts, sharesShim(this.#options)),
    );
    return this.#removal;
  }

  async #open(): Promise<void> {
    const options = this.#options;
    const parts = this.#parts;
    const command = await this.#step("prepare", () => prepareParts(options, parts));
    parts.launched = true;
    const { runtimeOptions, bootstrap, socketDir, onLog, signal } = options;
    parts.shim = await this.#step("launch", () =>
      launchShim({
        ...command,
        ...(runtimeOptions === undefined ? {} : { options: runtimeOptions }),
        ...(bootstrap === undefined ? {} : { bootstrap }),
        ...(socketDir === undefined ? {} : { socketDir }),
        ...(onLog === undefined ? {} : { onLog }),
        ...(signal === undefined ? {} : { signal }),
      }),
    );
    parts.created = true;
    await this.#step("create", () => this.#create());
    parts.stdio?.feedStdin(() => this.shim.task.closeIO({ id: this.id, stdin: true }));
  }

  async #create(): Promise<void> {
    const { bundle, rootfs, stdio } = this.#parts;
    const { runtimeOptions } = this.#options;
    const request = {
      id: this.id,
      bundle: bundle?.path ?? "",
      rootfs: [...(rootfs?.mounts ?? [])],
      terminal: false,
      ...stdio?.paths,
      ...(runtimeOptions === undefined ? {} : { options: runtimeOptions }),
    };
    const { signal } = this.#options;
    // The call itself is not ended on abort: removal has to know when the shim is done with it.
    const creating = this.shim.task.create(request);
    this.#parts.creating = creating;
    const { pid } = await (signal === undefined ? creating : abortable(creating, signal));
    this.#pid = pid;
  }

  async #step<T>(name: Parameters<typeof step>[0], work: () => Promise<T>): Promise<T> {
    this.#options.signal?.throwIfAborted();
    return step(name, this.#options.onStep, work);
  }

  #callOptions(): { signal?: AbortSignal } {
    const { signal } = this.#options;
    return signal === undefined ? {} : { signal };
  }
}

function present<T>(part: T | undefined, id: string): T {
  if (part !== undefined) return part;
  throw new StatusError(StatusCode.failedPrecondition, `container ${id} has no shim`);
}
