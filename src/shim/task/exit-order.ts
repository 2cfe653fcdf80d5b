/**
 * Puts the exits of one container's processes in the order that the daemon relies on, whatever order the
 * kernel reports them in:
 * - a process's exit is delivered after the event that announces it (create or start), also when it dies first;
 * - the exits of execs are delivered before the init's, which is the last, unless they are overdue;
 * - each exit is delivered once.
 *
 * A process is told apart by itself: what a start that failed has left behind may die when another one has its id.
 */
export class ExitOrder<Process extends { readonly execId: string }, Exit> {
  readonly #deliver: (process: Process, exit: Exit) => void;
  readonly #processes = new Map<Process, { held: boolean; exit?: Exit }>();

  #overdue = false;

  /** @param deliver publishes an exit */
  constructor(deliver: (process: Process, exit: Exit) => void) {
    this.#deliver = deliver;
  }

  /** From here on the exit of this process is kept back, because its create or start is under way. */
  hold(process: Process): void {
    const known = this.#processes.get(process);
    if (known === undefined) this.#processes.set(process, { held: true });
    else known.held = true;
  }

  /** The process was announced (or its start has failed): its exit may be delivered. */
  announced(process: Process): void {
    const known = this.#processes.get(process);
    if (known !== undefined) known.held = false;
    this.#flush();
  }

  /** The process never came to be: nothing waits for its exit, and none is delivered. */
  forget(process: Process): void {
    this.#processes.delete(process);
    this.#flush();
  }

  /** The kernel reported the exit. */
  exited(process: Process, exit: Exit): void {
    const known = this.#processes.get(process);
    if (known === undefined || known.exit !== undefined) return;
    known.exit = exit;
    this.#flush();
  }

  /** Nobody is to wait for the execs any longer: the init's exit is delivered as soon as it was announced. */
  overdue(): void {
    this.#overdue = true;
    this.#flush();
  }

  #flush(): void {
    const all = [...this.#processes.keys()];
    for (const process of all) if (process.execId !== INIT) this.#deliverIfReady(process);
    const init = all.find(({ execId }) => execId === INIT);
    if (init !== undefined && (this.#processes.size === 1 || this.#overdue)) this.#deliverIfReady(init);
  }

  #deliverIfReady(process: Process): void {
    const known = this.#processes.get(process);
    if (known === undefined || known.held || known.exit === undefined) return;
    this.#processes.delete(process);
    this.#deliver(process, known.exit);
  }
}

/** The exec id of a container's init, as the task API has it. */
export const INIT = "";
