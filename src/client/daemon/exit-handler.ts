import { hasCode, StatusCode, StatusError } from "../../base/status.ts";
import type { containerd } from "../../proto/index.ts";
import type { TaskClient } from "../task-client.ts";
import type { TaskEvent } from "../task-event.ts";
import { type BackOff, RetryQueue } from "./retry-queue.ts";
import type { Question, StatusStore } from "./status-store.ts";
import { containerOf } from "./transitions.ts";

/** What bounds the handling of exits. */
export interface ExitLimits {
  /** How long one Delete may take, in milliseconds, before it is asked for again. */
  readonly deleteMs: number;
  readonly backOff: BackOff;
}

/**
 * Does what is to be done for a container in its state now, and says whether nothing will be any more. What throws is
 * tried again.
 */
export type Attend = () => Promise<boolean>;

interface Watched {
  readonly attend: Attend;
  readonly queue: RetryQueue;
}

/**
 * Takes the events of all containers and has each one that has ended deleted by its shim, in a queue of its own. To
 * take an event never waits for anything, so no shim that hangs makes another's event late.
 */
export class ExitHandler {
  readonly #store: StatusStore;
  readonly #limits: ExitLimits;
  readonly #watched = new Map<string, Watched>();

  constructor(store: StatusStore, limits: ExitLimits) {
    this.#store = store;
    this.#limits = limits;
  }

  /** The containers whose Delete has not succeeded yet, ended or not. */
  get watched(): readonly string[] {
    return [...this.#watched.keys()];
  }

  /** Looks after a container that is in the store, by the shim that has its task. */
  watch(id: string, task: TaskClient): void {
    this.watchBy(id, async () => {
      await deleteTask(task, { id }, this.#limits.deleteMs);
      return true;
    });
  }

  /** Looks after a container that is in the store by what attends to it: when it has ended, and when asked to. */
  watchBy(id: string, attend: Attend): void {
    const queue: RetryQueue = new RetryQueue(this.#limits.backOff, {
      onProblem: ({ message }, attempts) => {
        const isCurrent = this.#watched.get(id)?.queue === queue;
        if (isCurrent) this.#store.remark(id, `attempt ${attempts}: ${message}`);
      },
      onDone: () => this.#store.remark(id, undefined),
    });
    this.#watched.set(id, { attend, queue });
    if (this.#store.get(id)?.phase === "stopped") this.attend(id);
  }

  /** Has a container attended to after what is done for it already, and soon: no wait for a next attempt goes on. */
  attend(id: string): void {
    const watched = this.#watched.get(id);
    // Rejects only when the handler is closed; the container is then for whoever comes next.
    watched?.queue.add(() => this.#attend(id, watched)).catch(() => {});
    watched?.queue.hurry();
  }

  /** Looks after a container no longer: its id may be another's from now on. */
  forget(id: string): void {
    this.#watched.get(id)?.queue.close(new StatusError(StatusCode.cancelled, `container ${id} is gone`));
    this.#watched.delete(id);
  }

  /** Takes an event, and begins to delete a container that it ends. Says whether it was new. */
  handle(event: TaskEvent): boolean {
    return this.#take(containerOf(event) ?? "", () => this.#store.apply(event));
  }

  /** Takes an answer to State, which ends a container as well where the event was lost. Says whether it was taken. */
  answer(question: Question, state: containerd.task.v2.IStateResponse): boolean {
    return this.#take(question.id, () => this.#store.answer(question, state));
  }

  /** Ends all queues after the attempts that are under way. */
  close(): void {
    const reason = new StatusError(StatusCode.cancelled, "exits are handled no more");
    for (const { queue } of this.#watched.values()) queue.close(reason);
  }

  #take(id: string, change: () => boolean): boolean {
    const before = this.#store.get(id)?.phase;
    const isNew = change();
    if (before !== "stopped" && this.#store.get(id)?.phase === "stopped") this.attend(id);
    return isNew;
  }

  async #attend(id: string, watched: Watched): Promise<void> {
    const isCurrent = () => this.#watched.get(id) === watched;
    if (isCurrent() && (await watched.attend()) && isCurrent()) this.#watched.delete(id);
  }
}

/** Has a shim delete a container, or a process of it; one that it does not know any more, too, is deleted. */
export async function deleteTask(
  task: TaskClient,
  process: { readonly id: string; readonly execId?: string },
  timeoutMs: number,
): Promise<void> {
  await task.delete(process, { timeoutMs }).catch((error: unknown) => {
    // An earlier attempt whose answer was not awaited has done it.
    if (!hasCode(error, StatusCode.notFound)) throw error;
  });
}
