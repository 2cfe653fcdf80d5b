/**
 * Puts the exits of one container's processes in the order that the daemon relies on, whatever order the
 * kernel reports them in:
 * - a process's exit is delivered after the event that announces it (create or start), also when it dies first;
 * - the exits of execs are delivered before the init's, which is the last, unless they are overdue;
 * - each exit is delivered once.
 */
export class ExitOrder<Exit> {
  readonly #deliver: (execId: string, exit: Exit) => void;
  readonly #processes = new Map<string, { held: boolean; exit?: Exit }>();

  #overdue = false;

  /** @param deliver publishes an exit; it is called with the exec's id, or with `INIT` */
  constructor(deliver: (execId: string, exit: Exit) => void) {
    this.#deliver = deliver;
  }

  /** From here on the exit of this process is kept back, because its create or start is under way. */
  hold(execId: string): void {
    const process = this.#processes.get(execId);
    if (process === undefined) this.#processes.set(execId, { held: true });
    else process.held = true;
  }

  /** The process was announced (or its start has failed): its exit may be delivered. */
  announced(execId: string): void {
    const process = this.#processes.get(execId);
    if (process !== undefined) process.held = false;
    this.#flush();
  }

  /** The process never came to be: nothing waits for its exit. */
  forget(execId: string): void {
    this.#processes.delete(execId);
    this.#flush();
  }

  /** The kernel reported the exit. */
  exited(execId: string, exit: Exit): void {
    const process = this.#processes.get(execId);
    if (process === undefined || process.exit !== undefined) return;
    process.exit = exit;
    this.#flush();
  }

  /** Nobody is to wait for the execs any longer: the init's exit is delivered as soon as it was announced. */
  overdue(): void {
    this.#overdue = true;
    this.#flush();
  }

  #flush(): void {
    for (const execId of this.#processes.keys()) {
      if (execId !== INIT) this.#deliverIfReady(execId);
    }
    if (this.#processes.size === 1 || this.#overdue) this.#deliverIfReady(INIT);
  }

  #deliverIfReady(execId: string): void {
    const process = this.#processes.get(execId);
    if (process === undefined || process.held || process.exit === undefined) return;
    this.#processes.delete(execId);
    this.#deliver(execId, process.exit);
  }
}

/** The exec id of a container's init, as the task API has it. */
export const INIT = "";
