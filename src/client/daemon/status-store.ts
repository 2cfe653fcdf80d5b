import { type Deferred, deferred } from "../../base/deferred.ts";
import { containerd } from "../../proto/index.ts";
import { EventLog } from "../event-log.ts";
import type { TaskEvent } from "../task-event.ts";
import { toDate } from "../time.ts";
import { type ContainerStatus, newStatus, type Phase } from "./status.ts";
import { afterEvent, containerOf, withoutExec } from "./transitions.ts";

const { Status } = containerd.v1.types;

/** The phases that a shim's State tells; it says nothing by any other number. */
const PHASES: ReadonlyMap<number, Phase> = new Map([
  [Status.CREATED, "created"],
  [Status.RUNNING, "running"],
  [Status.STOPPED, "stopped"],
  [Status.PAUSED, "paused"],
  // It still runs until it does not.
  [Status.PAUSING, "running"],
]);

/** How many changes are kept for a reader that is behind. */
const CHANGES = 4096;

interface Entry {
  readonly status: ContainerStatus;
  /** The number of the last change that was more than a remark. */
  readonly changedAt: number;
}

/** When a shim was asked for a container's state: what has changed since then is newer than its answer. */
export interface Question {
  readonly id: string;
  readonly askedAt: number;
}

/**
 * What is known of all containers, fed by events and by answers to State. Every call is synchronous, so a reader
 * never waits, neither for a writer nor for a shim; what it gets never changes.
 */
export class StatusStore {
  readonly #entries = new Map<string, Entry>();
  readonly #changes = new EventLog<ContainerStatus>(CHANGES);
  #now = 0;
  #list: readonly ContainerStatus[] | undefined;
  #next: Deferred<void> = deferred();

  /** All containers, in the order in which they were added. */
  list(): readonly ContainerStatus[] {
    this.#list ??= Object.freeze([...this.#entries.values()].map(({ status }) => status));
    return this.#list;
  }

  get(id: string): ContainerStatus | undefined {
    return this.#entries.get(id)?.status;
  }

  /** Each new status of any container, in order, from the oldest that is kept. */
  get changes(): EventLog<ContainerStatus> {
    return this.#changes;
  }

  /** Resolves at the next change of anything. */
  get changed(): Promise<void> {
    return this.#next.promise;
  }

  /** Takes a container in; one that was known by this id is replaced. */
  add(id: string, known: Partial<ContainerStatus> = {}): void {
    this.#set(newStatus(id, known));
  }

  /** Forgets a container; the last change says that it is gone. */
  remove(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#list = undefined;
    this.#tell(newStatus(id, { ...entry.status, phase: "gone", problem: undefined }));
  }

  /** Takes what a shim has sent, and says whether it was new. Of a container that is not known, nothing is. */
  apply(event: TaskEvent): boolean {
    const status = this.get(containerOf(event) ?? "");
    if (status === undefined) return false;
    const next = afterEvent(status, event);
    if (next === status) return false;
    this.#set(newStatus(status.id, { ...next, confirmed: true }));
    return true;
  }

  /** Notes that a shim is asked for a container's state now. */
  ask(id: string): Question {
    return { id, askedAt: this.#now };
  }

  /**
   * Takes the answer to State. It is left aside where an event has come since it was asked for, as that is newer;
   * only an end counts in any case, since nothing comes after it. Says whether it was taken.
   */
  answer(question: Question, state: containerd.task.v2.IStateResponse): boolean {
    const entry = this.#entries.get(question.id);
    const phase = PHASES.get(Number(state.status ?? Status.UNKNOWN));
    if (entry === undefined || phase === undefined || entry.status.phase === "stopped") return false;
    const outdated = entry.changedAt > question.askedAt;
    if (outdated && phase !== "stopped") return false;
    const pid = state.pid ?? 0;
    if (outdated && pid !== entry.status.pid) return false;
    const { exitStatus, exitedAt } = state;
    const ended = { ending: { exitStatus: exitStatus ?? 0, exitedAt: toDate(exitedAt) } };
    const more = phase === "stopped" ? ended : {};
    this.#set(newStatus(question.id, { ...entry.status, ...more, phase, pid, confirmed: true }));
    return true;
  }

  /** Notes what is known from elsewhere, as an answer to Create. */
  set(id: string, known: Partial<ContainerStatus>): void {
    const status = this.get(id);
    if (status !== undefined) this.#set(newStatus(id, { ...status, ...known }));
  }

  /** Forgets a further process that its shim has deleted, which no event tells of. This outdates no answer. */
  forgetExec(id: string, execId: string, pid: number): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    const status = withoutExec(entry.status, execId, pid);
    if (status !== entry.status) this.#put({ ...entry, status: newStatus(id, status) });
  }

  /** Notes what hinders a container, or that nothing does any more. This outdates no answer. */
  remark(id: string, problem: string | undefined): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.status.problem === problem) return;
    this.#put({ ...entry, status: newStatus(id, { ...entry.status, problem }) });
  }

  /** No more changes come: their readers end. */
  close(): void {
    this.#changes.end();
  }

  #set(status: ContainerStatus): void {
    this.#now += 1;
    this.#put({ status, changedAt: this.#now });
  }

  #put(entry: Entry): void {
    this.#entries.set(entry.status.id, entry);
    this.#list = undefined;
    this.#tell(entry.status);
  }

  #tell(status: ContainerStatus): void {
    this.#changes.add(status);
    const { resolve } = this.#next;
    this.#next = deferred();
    resolve();
  }
}
