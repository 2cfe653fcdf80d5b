import { within } from "../../base/deadline.ts";
import { hasCode, StatusCode, StatusError } from "../../base/status.ts";
import { unmakeContainer } from "./make-container.ts";
import type { ManagedContainer } from "./managed-container.ts";
import type { Ending } from "./status.ts";
import type { SupervisorContext } from "./supervisor-context.ts";

/** The number of the signal that nothing withstands. */
export const SIGKILL = 9;

/** What stands for an end of which nobody knows how it was; containerd, too, says 255 of it. */
export const unknownEnding: Ending = Object.freeze({ exitStatus: 255, exitedAt: undefined });

/** How many ends of containers that are gone are kept for who asks late. */
const MAX_ENDINGS = 1024;

/** Keeps a supervisor's containers: looks after each until it is removed, with all that there is of it. */
export class ContainerKeeper {
  readonly #context: SupervisorContext;
  readonly #containers: Map<string, ManagedContainer>;
  readonly #endings = new Map<string, Ending>();
  readonly #unfinished = new WeakSet<ManagedContainer>();

  constructor(context: SupervisorContext, containers: Map<string, ManagedContainer>) {
    this.#context = context;
    this.#containers = containers;
  }

  /** How a container has ended that is gone. */
  endingOf(id: string): Ending | undefined {
    return this.#endings.get(id);
  }

  /** Attends to a container whenever there is something to be done for it, from now on. */
  lookAfter(container: ManagedContainer): void {
    const { id } = container;
    const { exits } = this.#context;
    const { shim } = container.parts;
    if (shim !== undefined) container.adopt(shim);
    exits.watchBy(id, async () => {
      if (!(await container.attend())) return false;
      if (container.config.autoRemove) await this.#discard(container);
      return true;
    });
    if (shim === undefined) exits.attend(id);
  }

  /** Removes a container, by force also one that lives or whose shim does not come to it. */
  remove(container: ManagedContainer, force: boolean): Promise<void> {
    container.removal ??= this.#remove(container, force).finally(() => {
      container.removal = undefined;
    });
    return container.removal;
  }

  async #remove(container: ManagedContainer, force: boolean): Promise<void> {
    if (container.isBroken || this.#unfinished.has(container)) await this.#unmakeLeft(container);
    else await this.#end(container, force);
    await this.#discard(container);
  }

  /** Kills what lives, and has it put away: by its shim, or without that where it does not come to it. */
  async #end(container: ManagedContainer, force: boolean): Promise<void> {
    const { id } = container;
    const { exits, limits } = this.#context;
    const what = `the shim of container ${id} to delete it`;
    try {
      if (container.status.phase !== "stopped") await this.#kill(container);
      exits.attend(id);
      await within(container.settled, limits.deleteMs, what);
    } catch (error) {
      if (!force) throw error;
      await container.killShim();
      exits.attend(id);
      await within(container.settled, limits.deleteMs, `the cleanup after the shim of container ${id}`);
    }
  }

  /** One that finds no process any more has come too late, and that is well. */
  async #kill(container: ManagedContainer): Promise<void> {
    const task = await container.reach();
    const { callMs: timeoutMs } = this.#context.limits;
    await task.kill({ id: container.id, signal: SIGKILL }, { timeoutMs }).catch((error: unknown) => {
      if (!hasCode(error, StatusCode.notFound)) throw error;
    });
  }

  /** Takes a container that has been put away off the record; what it has written goes later. */
  #discard(container: ManagedContainer): Promise<void> {
    container.discarding ??= this.#discardOnce(container).catch((error: unknown) => {
      container.discarding = undefined;
      throw error;
    });
    return container.discarding;
  }

  async #discardOnce(container: ManagedContainer): Promise<void> {
    const { records, layers } = this.#context;
    const { id } = container;
    const left = await records.discard(id);
    if (left !== undefined) layers.add(left);
    this.#endings.delete(id);
    this.#endings.set(id, container.status.ending ?? unknownEnding);
    for (const oldest of this.#endings.keys()) {
      if (this.#endings.size <= MAX_ENDINGS) break;
      this.#endings.delete(oldest);
    }
    this.#drop(container);
  }

  #drop({ id }: ManagedContainer): void {
    this.#containers.delete(id);
    this.#context.exits.forget(id);
    this.#context.store.remove(id);
  }

  /** Removes what was made of a container, and throws why; what cannot be removed now is tried again. */
  async unmake(container: ManagedContainer, error: StatusError): Promise<never> {
    if (!container.isOnRecord && hasCode(error, StatusCode.alreadyExists)) {
      // What is there is another's.
      this.#drop(container);
      throw error;
    }
    try {
      await unmakeContainer(container);
      await this.#discard(container);
    } catch (thrown) {
      this.unmakeLater(container);
      const { message } = StatusError.from(thrown);
      throw new StatusError(error.code, `${error.message}; and ${message}`, { cause: error });
    }
    throw error;
  }

  /** Removes what there is of a container that is none, as long as it takes. */
  unmakeLater(container: ManagedContainer): void {
    this.#unfinished.add(container);
    const { store, exits } = this.#context;
    const { id } = container;
    store.set(id, { phase: "stopped" });
    exits.watchBy(id, async () => {
      await this.#unmakeLeft(container);
      await this.#discard(container);
      return true;
    });
  }

  /** Of one that this supervisor has not launched there may be a shim all the same. */
  async #unmakeLeft(container: ManagedContainer): Promise<void> {
    container.parts.command ??= container.command();
    container.parts.launched = true;
    await unmakeContainer(container);
  }
}
