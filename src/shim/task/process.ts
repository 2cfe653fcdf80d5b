import PQueue from "p-queue";
import { deferred } from "../../base/deferred.ts";
import type { Logger } from "../../base/logger.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { Pidfd } from "../../linux/pidfd.ts";
import type { WaitingInit } from "../../oci/exec-fifo.ts";
import { writeExitRecord } from "../../oci/exit-record.ts";
import type { ProcessStdio, StdioPaths } from "../stdio/stdio.ts";
import { type ExitOrder, INIT } from "./exit-order.ts";
import type { Host } from "./host.ts";
import { type LifecycleEvent, type TaskState, transition } from "./lifecycle.ts";

/** How and when a process ended: the status as the task API has it (128 + n for signal n). */
export interface Exit {
  /** 0 where the process never came to be. */
  readonly pid: number;
  readonly status: number;
  readonly at: Date;
}

/** What a process is known by, and what it shares with the others of its container. */
export interface ProcessParts {
  readonly host: Host;
  /** The container's. */
  readonly id: string;
  readonly execId: string;
  readonly bundle: string;
  readonly paths: StdioPaths;
  readonly order: ExitOrder<Process, Exit>;
}

/** A process of a container, its init or an exec: what a daemon's call with an exec id works on. */
export abstract class Process {
  readonly id: string;
  readonly execId: string;
  readonly bundle: string;
  readonly paths: StdioPaths;
  protected readonly host: Host;
  protected readonly order: ExitOrder<Process, Exit>;
  protected readonly logger: Logger;
  /** Commands go one after the other; nothing that only reads, and no Kill, ever enters here. */
  readonly #commands = new PQueue({ concurrency: 1 });
  readonly #exited = deferred<Exit>();
  #state: TaskState = "created";
  #pid = 0;
  #pidfd: Pidfd | undefined;
  #ended: Promise<void> | undefined;
  #stdio: ProcessStdio | undefined;
  #stdinClosed = false;
  #exit: Exit | undefined;
  #isGone = false;

  constructor(parts: ProcessParts) {
    this.id = parts.id;
    this.execId = parts.execId;
    this.bundle = parts.bundle;
    this.paths = parts.paths;
    this.host = parts.host;
    this.order = parts.order;
    this.logger = parts.host.logger.child({
      id: parts.id,
      ...(parts.execId !== INIT && { execId: parts.execId }),
    });
    this.#exited.promise.catch(() => {});
  }

  /**
   * Runs the user's program. `publish` is called when it runs, before its exit can be published. It fails when the signal
   * aborts before: nobody waits for the answer any longer.
   */
  abstract start(publish: () => void, signal: AbortSignal): Promise<void>;

  /** Sends a signal to the process or, where it is an init and `all` says so, to all of the container. */
  abstract kill(signal: number, all: boolean): Promise<void>;

  /** Removes what it is made of; how it ended, unless it never ran. Calls at the same time share one run. */
  abstract delete(): Promise<Exit | undefined>;

  /** What messages call it. */
  get name(): string {
    return this.execId === INIT ? this.id : this.execId;
  }

  /** The pid on the host, 0 before there is a process. */
  get pid(): number {
    return this.#pid;
  }

  /** The state as the daemon sees it: an exit counts once it has been published. */
  get state(): TaskState {
    return this.#state;
  }

  /** How it ended, once it has. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** Resolves when it has ended and its exit was published; `notFound` where it was deleted without having run. */
  get exited(): Promise<Exit> {
    return this.#exited.promise;
  }

  /** Throws where something has no place in its state, and where a start comes after its deletion. */
  check(event: LifecycleEvent): void {
    if (event === "start" && this.#isGone) {
      throw new StatusError(StatusCode.notFound, `process ${this.name} was deleted`);
    }
    transition(this.#state, event, this.name);
  }

  /** Sets the size of its terminal; nothing where it has none. */
  resize(width: number, height: number): void {
    this.check("resize");
    this.#stdio?.resize(width, height);
  }

  /** Ends its input once the daemon's own writers are gone as well; before its start this is noted down. */
  closeStdin(): void {
    this.#stdinClosed = true;
    this.#stdio?.closeStdin();
  }

  /** Its exit's turn has come: writes it down, publishes it, and tells who waits. */
  finish(exit: Exit, publish: (exit: Exit) => void = () => {}): void {
    this.#exit = exit;
    this.enter("exit");
    try {
      writeExitRecord(this.bundle, exit, this.execId);
    } catch (err) {
      this.logger.error("the exit could not be written to the bundle", { err });
    }
    publish(exit);
    this.#exited.resolve(exit);
    // Who follows the output waits for its end before a Delete.
    this.#stdio?.processEnded();
  }

  protected enter(event: LifecycleEvent): void {
    const next = transition(this.#state, event, this.name);
    if (next !== "deleted") this.#state = next;
  }

  protected command<T>(run: () => Promise<T>): Promise<T> {
    return this.#commands.add(run) as Promise<T>;
  }

  /** Takes over its streams, which `letGo` closes. */
  protected attach(stdio: ProcessStdio): void {
    this.#stdio = stdio;
  }

  /** Takes hold of the process that has come to be, and sees to its end. */
  protected adopt(pid: number): void {
    this.#pidfd = Pidfd.openIfKnown(this.host.libc, pid);
    if (this.#pidfd === undefined) this.host.childExits.lookOften();
    this.#pid = pid;
    const exit = this.host.childExits.watch(pid);
    this.#ended = exit.then(({ status, at }) => this.ended({ pid, status, at }));
  }

  /** The process that waits for its start; undefined before there is one. */
  protected get waiting(): WaitingInit | undefined {
    return this.#ended && { pid: this.#pid, ended: this.#ended };
  }

  /** The kernel has reported its end, which is delivered when its turn comes. */
  protected ended(exit: Exit): void {
    this.order.exited(this, exit);
  }

  /** The runtime has ended well: the process has its streams. */
  protected async handOver(): Promise<void> {
    await this.#stdio?.handedOver();
    if (this.#stdinClosed) this.#stdio?.closeStdin();
  }

  protected signal(signal: number): void {
    if (this.#pid === 0) {
      throw new StatusError(StatusCode.failedPrecondition, `process not created: ${this.name}`);
    }
    if (this.#pidfd !== undefined) this.#pidfd.signal(signal);
    else this.host.childExits.signal(this.#pid, signal);
  }

  protected async drained(): Promise<void> {
    await this.#stdio?.drained();
  }

  protected async closeStdio(): Promise<void> {
    await this.#stdio?.close();
  }

  /** Lets go of the process and its streams; repeatable. */
  protected async letGo(): Promise<void> {
    this.#isGone = true;
    this.#pidfd?.close();
    const message = `process ${this.name} was deleted and has not run`;
    this.#exited.reject(new StatusError(StatusCode.notFound, message));
    await this.closeStdio();
  }
}
