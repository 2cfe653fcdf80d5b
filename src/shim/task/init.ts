import { within } from "../../base/deadline.ts";
import { hasCode, StatusCode } from "../../base/status.ts";
import { isNamespaceInit } from "../../linux/process-stat.ts";
import type { WaitingInit } from "../../oci/exec-fifo.ts";
import type { Runc } from "../../oci/runc.ts";
import type { CheckpointOptions } from "../../oci/runc-args.ts";
import { writeDeleted } from "../end-of-container.ts";
import type { ContainerRootfs } from "../rootfs.ts";
import type { ProcessStdio } from "../stdio/stdio.ts";
import { Steps } from "../steps.ts";
import { writeCheckpoint } from "./checkpoint.ts";
import { ContainerCgroup } from "./container-cgroup.ts";
import { INIT } from "./exit-order.ts";
import { type Exit, Process, type ProcessParts } from "./process.ts";

const SIGKILL = 9;

/** What an init is made of once Create has made it. */
export interface InitParts extends Omit<ProcessParts, "execId" | "paths"> {
  /** Undefined where the daemon gave no mounts. */
  readonly rootfs: ContainerRootfs | undefined;
  readonly runc: Runc;
  readonly stdio: ProcessStdio;
  /** Undefined where it comes to be at its start (from a checkpoint). */
  readonly pid: number | undefined;
  /** Runs the user's program; the pid where there was none before. */
  readonly begin: (beginning: Beginning) => Promise<number | undefined>;
  /** Told the end of the process, whose exit goes into the order from there. */
  readonly onEnd: (exit: Exit) => void;
  /** Told that the container was out of memory; each time once. */
  readonly onOom: () => void;
  /** Lets go of all execs; repeatable. */
  readonly releaseExecs: () => Promise<void>;
}

/** What the start of an init has to know. */
export interface Beginning {
  /** The init that waits for it, where one does. */
  readonly waiting: WaitingInit | undefined;
  /** Aborts when nobody waits for the answer any longer. */
  readonly signal: AbortSignal;
}

/** The init of a container. What is asked of the container as a whole is asked of it, in its queue of commands. */
export class Init extends Process {
  readonly #parts: InitParts;
  readonly #deletion: Steps;
  #deleting: Promise<Exit | undefined> | undefined;
  #cgroup: ContainerCgroup | undefined;
  #takesRestAlong = true;
  #isStarting = false;
  #wasOutOfMemory = false;

  /** Takes over what Create has made; its exit is held back until the order hears that it was announced. */
  constructor(parts: InitParts) {
    super({ ...parts, execId: INIT, paths: parts.stdio.paths });
    this.#parts = parts;
    this.#deletion = new Steps(this.#deletionSteps());
    this.order.hold(this);
    this.attach(parts.stdio);
    if (parts.pid !== undefined) this.adopt(parts.pid);
  }

  /** The container's control groups; undefined before there is a process, and where it has none of its own. */
  get cgroup(): ContainerCgroup | undefined {
    return this.#cgroup;
  }

  /** Whether the kernel kills all other processes of the container when this one ends (pid_namespaces(7)). */
  get takesRestAlong(): boolean {
    return this.#takesRestAlong;
  }

  start(publish: () => void, signal: AbortSignal): Promise<void> {
    return this.command(async () => {
      signal.throwIfAborted();
      this.check("start");
      this.order.hold(this);
      this.#isStarting = true;
      try {
        await this.host.childExits.making(() => this.#begin(signal));
        this.enter("start");
        publish();
      } finally {
        this.#isStarting = false;
        if (this.#wasOutOfMemory) this.#outOfMemory();
        this.order.announced(this);
      }
    });
  }

  async kill(signal: number, all: boolean): Promise<void> {
    this.check("kill");
    // A frozen process is not killed by its signal alone: the OCI runtime thaws it.
    if (all || this.state === "paused" || this.state === "pausing")
      await this.#parts.runc.kill(this.id, signal, { all });
    else this.#signal(signal);
  }

  /** Changes the container's limits; `resources` is the OCI LinuxResources object as JSON text. */
  update(resources: string): Promise<void> {
    return this.command(async () => {
      this.check("update");
      await this.#parts.runc.update(this.id, resources);
    });
  }

  /** Freezes the container. `publish` is called when it is frozen, unless it has ended meanwhile. */
  pause(publish: () => void): Promise<void> {
    return this.command(async () => {
      this.enter("pause");
      try {
        await this.#parts.runc.pause(this.id);
      } catch (err) {
        this.enter("pause failed");
        // Some or all of it may be frozen by then, and nobody resumes what is not paused.
        this.#cgroup?.thaw();
        throw err;
      }
      this.enter("paused");
      if (this.state === "paused") publish();
    });
  }

  /** Thaws the container. `publish` is called when it runs again, unless it has ended meanwhile. */
  resume(publish: () => void): Promise<void> {
    return this.command(async () => {
      this.check("resume");
      await this.#parts.runc.resume(this.id);
      if (this.state !== "paused") return;
      this.enter("resume");
      publish();
    });
  }

  /** Writes the container's state to disk. `publish` is called when it is there. */
  checkpoint(options: CheckpointOptions, publish: () => void): Promise<void> {
    return this.command(async () => {
      this.check("checkpoint");
      await writeCheckpoint(this.#parts.runc, { id: this.id, bundle: this.bundle, options });
      publish();
    });
  }

  /**
   * Removes what the container is made of, in steps: a call after a failure goes on where that one stopped,
   * and calls at the same time share one run. Answers as soon as the rootfs has left the mount tree, or as late
   * as its kind and the release mode ask for; what the kernel writes out is the release helper's business.
   */
  delete(): Promise<Exit | undefined> {
    // Shared from here: queued behind a run that fails, each call would be a run of its own.
    this.#deleting ??= this.command(async () => {
      this.check("delete");
      await this.#deletion.run();
      return this.exit;
    }).finally(() => {
      this.#deleting = undefined;
    });
    return this.#deleting;
  }

  protected override adopt(pid: number): void {
    super.adopt(pid);
    this.#cgroup = ContainerCgroup.open(this.host, pid, () => this.#outOfMemory());
    this.#takesRestAlong = isNamespaceInit(pid);
  }

  protected override ended(exit: Exit): void {
    this.#cgroup?.ended();
    this.#parts.onEnd(exit);
  }

  protected override async letGo(): Promise<void> {
    this.#cgroup?.close();
    await super.letGo();
  }

  /** Somebody else may have frozen it, of which its state knows nothing. */
  #signal(signal: number): void {
    this.signal(signal);
    if (signal === SIGKILL) this.#cgroup?.thaw();
  }

  async #begin(signal: AbortSignal): Promise<void> {
    const pid = await this.#parts.begin({ waiting: this.waiting, signal });
    if (pid !== undefined) this.adopt(pid);
  }

  /** Told after the event of the start where one is under way, as the exit is. */
  #outOfMemory(): void {
    this.#wasOutOfMemory = this.#isStarting;
    if (!this.#isStarting) this.#parts.onOom();
  }

  #deletionSteps() {
    const { runc, rootfs, releaseExecs } = this.#parts;
    return [
      { name: "runc delete", run: () => this.#runcDelete(runc) },
      { name: "await exit", run: () => this.#awaitExit() },
      { name: "release execs", run: releaseExecs },
      { name: "drain stdio", run: () => this.drained() },
      { name: "close stdio", run: () => this.letGo() },
      { name: "detach rootfs", run: () => rootfs?.detach() },
      { name: "await release", run: () => rootfs?.settled() },
      { name: "write down", run: () => this.#writeDown() },
    ];
  }

  /** Gone already (a checkpoint removes it, so may a person by hand) is as good as removed. */
  async #runcDelete(runc: Runc): Promise<void> {
    const isDirect = this.host.settings.delete === "direct" && this.exit !== undefined && this.pid !== 0;
    try {
      await runc.delete(this.id, isDirect ? { endedPid: this.pid } : {});
    } catch (err) {
      if (!hasCode(err, StatusCode.notFound)) throw err;
    }
  }

  /** For the `delete` command, which the daemon calls after this shim has gone: it has nothing to clean up then. */
  #writeDown(): void {
    if (this.exit === undefined) return;
    try {
      writeDeleted(this.bundle, this.exit);
    } catch (err) {
      this.logger.warn("that the container was deleted could not be written to the bundle", { err });
    }
  }

  /** A container that was never started is killed by `runc delete`; its exit belongs before its deletion. */
  async #awaitExit(): Promise<void> {
    if (this.pid === 0) return;
    await within(this.exited, this.host.settings.exitMs, `the exit of pid ${this.pid}`);
  }
}
