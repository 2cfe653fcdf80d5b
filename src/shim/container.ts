import PQueue from "p-queue";
import { within } from "../base/deadline.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import type { Logger } from "../base/logger.ts";
import { hasCode, StatusCode } from "../base/status.ts";
import { cgroupOf, cgroupPids } from "../linux/cgroup.ts";
import type { ChildExits } from "../linux/child-exits.ts";
import type { Pidfd } from "../linux/pidfd.ts";
import { writeExitRecord } from "../oci/bundle.ts";
import type { Runc } from "../oci/runc.ts";
import { ExitOrder, INIT } from "./exit-order.ts";
import { type LifecycleEvent, type TaskState, transition } from "./lifecycle.ts";
import type { ContainerRootfs, RootfsHost } from "./rootfs.ts";
import type { Stdio } from "./stdio.ts";
import { Steps } from "./steps.ts";

/** How and when a process ended: the status as the task API has it (128 + n for signal n). */
export interface Exit {
  readonly pid: number;
  readonly status: number;
  readonly at: Date;
}

/** What every container of a shim shares. */
export interface Host extends RootfsHost {
  readonly namespace: string;
  readonly childExits: ChildExits;
}

/** What a container is made of once `runc create` has made it. */
export interface ContainerParts {
  readonly id: string;
  readonly bundle: string;
  /** Undefined where the daemon gave no mounts. */
  readonly rootfs: ContainerRootfs | undefined;
  readonly runc: Runc;
  readonly stdio: Stdio;
  readonly pid: number;
  readonly pidfd: Pidfd;
  readonly onExit: (exit: Exit) => void;
}

/** A container with its init: what the daemon's calls for one id work on. */
export class Container {
  readonly id: string;
  readonly bundle: string;
  readonly pid: number;
  readonly stdio: Stdio;
  readonly #host: Host;
  readonly #parts: ContainerParts;
  readonly #logger: Logger;
  readonly #exited: Deferred<Exit> = deferred();
  readonly #exitOrder: ExitOrder<Exit>;
  readonly #cgroup: string | undefined;
  readonly #deletion: Steps;
  /** Commands go one after the other; nothing that only reads, and no Kill, ever enters here. */
  readonly #commands = new PQueue({ concurrency: 1 });
  #deleting: Promise<void> | undefined;
  #state: TaskState = "created";
  #exit: Exit | undefined;

  /** Takes over what `runc create` left; the exit is held back until {@link announced}. */
  constructor(host: Host, parts: ContainerParts) {
    this.#host = host;
    this.#parts = parts;
    this.id = parts.id;
    this.bundle = parts.bundle;
    this.pid = parts.pid;
    this.stdio = parts.stdio;
    this.#logger = host.logger.child({ id: parts.id, pid: parts.pid });
    this.#cgroup = cgroupOf(parts.pid);
    this.#exitOrder = new ExitOrder((_, exit) => this.#deliverExit(exit));
    this.#exitOrder.hold(INIT);
    this.#deletion = new Steps(this.#deletionSteps());
    void this.#watchExit();
  }

  /** The state as the daemon sees it: an exit counts once it has been published. */
  get state(): TaskState {
    return this.#state;
  }

  /** How the init ended, once it has. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** Resolves when the init has ended and its exit was published. */
  get exited(): Promise<Exit> {
    return this.#exited.promise;
  }

  /** The event that announces the container was published: its exit may follow. */
  announced(): void {
    this.#exitOrder.announced(INIT);
  }

  /** Runs the user's program. `publish` is called when it runs, before its exit can be published. */
  start(publish: () => void): Promise<void> {
    return this.#command(async () => {
      transition(this.#state, "start", this.id);
      this.#exitOrder.hold(INIT);
      try {
        await this.#parts.runc.start(this.id);
        this.#enter("start");
        publish();
      } finally {
        this.#exitOrder.announced(INIT);
      }
    });
  }

  /** Sends a signal to the init, or to every process of the container. */
  async kill(signal: number, all: boolean): Promise<void> {
    transition(this.#state, "kill", this.id);
    // A frozen process is not killed by its signal alone: the OCI runtime thaws it.
    if (all || this.#state === "paused" || this.#state === "pausing")
      await this.#parts.runc.kill(this.id, signal, { all });
    else this.#parts.pidfd.signal(signal);
  }

  /** Changes its limits; `resources` is the OCI LinuxResources object as JSON text. */
  update(resources: string): Promise<void> {
    return this.#command(async () => {
      transition(this.#state, "update", this.id);
      await this.#parts.runc.update(this.id, resources);
    });
  }

  /** Freezes it. `publish` is called when it is frozen, unless it has ended meanwhile. */
  pause(publish: () => void): Promise<void> {
    return this.#command(async () => {
      this.#enter("pause");
      try {
        await this.#parts.runc.pause(this.id);
      } catch (err) {
        this.#enter("pause failed");
        throw err;
      }
      this.#enter("paused");
      if (this.#state === "paused") publish();
    });
  }

  /** Thaws it. `publish` is called when it runs again, unless it has ended meanwhile. */
  resume(publish: () => void): Promise<void> {
    return this.#command(async () => {
      transition(this.#state, "resume", this.id);
      await this.#parts.runc.resume(this.id);
      if (this.#state !== "paused") return;
      this.#enter("resume");
      publish();
    });
  }

  /** The pids of all its processes, ascending; none once it has ended. */
  pids(): number[] {
    return this.#cgroup === undefined || this.#exit !== undefined ? [] : cgroupPids(this.#cgroup);
  }

  /**
   * Removes what the container is made of, in steps: a call after a failure goes on where that one stopped,
   * and calls at the same time share one run. Answers as soon as the rootfs has left the mount tree, or as late
   * as its kind and the release mode ask for; what the kernel writes out is the release helper's business.
   */
  async delete(): Promise<Exit> {
    // Shared from here: queued behind a run that fails, each call would be a run of its own.
    this.#deleting ??= this.#command(async () => {
      transition(this.#state, "delete", this.id);
      await this.#deletion.run();
    }).finally(() => {
      this.#deleting = undefined;
    });
    await this.#deleting;
    return this.exited;
  }

  #enter(event: LifecycleEvent): void {
    const next = transition(this.#state, event, this.id);
    if (next !== "deleted") this.#state = next;
  }

  #command<T>(run: () => Promise<T>): Promise<T> {
    return this.#commands.add(run) as Promise<T>;
  }

  async #watchExit(): Promise<void> {
    const { status, at } = await this.#host.childExits.watch(this.pid);
    this.#exitOrder.exited(INIT, { pid: this.pid, status, at });
  }

  #deliverExit(exit: Exit): void {
    this.#exit = exit;
    this.#state = "stopped";
    try {
      writeExitRecord(this.bundle, exit);
    } catch (err) {
      this.#logger.error("the exit could not be written to the bundle", { err });
    }
    this.#parts.onExit(exit);
    this.#exited.resolve(exit);
  }

  #deletionSteps() {
    const { runc, stdio, pidfd, rootfs } = this.#parts;
    return [
      { name: "runc delete", run: () => this.#runcDelete(runc) },
      { name: "await exit", run: () => this.#awaitExit() },
      { name: "close stdio", run: () => stdio.close() },
      { name: "close pidfd", run: () => pidfd.close() },
      { name: "detach rootfs", run: () => rootfs?.detach() },
      { name: "await release", run: () => rootfs?.settled() },
    ];
  }

  /** Gone already (a checkpoint removes it, so may a person by hand) is as good as removed. */
  async #runcDelete(runc: Runc): Promise<void> {
    try {
      await runc.delete(this.id);
    } catch (err) {
      if (!hasCode(err, StatusCode.notFound)) throw err;
    }
  }

  /** A container that was never started is killed by `runc delete`; its exit belongs before its deletion. */
  async #awaitExit(): Promise<void> {
    await within(this.exited, this.#host.settings.exitMs, `the exit of pid ${this.pid}`);
  }
}
