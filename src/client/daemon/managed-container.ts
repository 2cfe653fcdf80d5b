import path from "node:path";
import { abortable, deadline, within } from "../../base/deadline.ts";
import { deferred } from "../../base/deferred.ts";
import { readTextFile } from "../../base/files.ts";
import { hasCode, StatusCode, StatusError } from "../../base/status.ts";
import { bundleAt } from "../bundle.ts";
import { type ContainerParts, shutDownShim } from "../container-parts.ts";
import { deleteShim } from "../launch.ts";
import { notedAnswer, reconnectShim } from "../reconnect.ts";
import { type Shim, socketPathOf } from "../shim.ts";
import type { ShimCommand } from "../shim-command.ts";
import { findShimProcesses, killShim, usualSocket } from "../shim-process.ts";
import type { OciSpec } from "../spec.ts";
import type { TaskClient } from "../task-client.ts";
import { isMarked } from "./bundle-mark.ts";
import type { ContainerConfig } from "./container-config.ts";
import { stateOf } from "./container-state.ts";
import { ExecProcesses } from "./exec-processes.ts";
import { deleteTask } from "./exit-handler.ts";
import type { ContainerStatus } from "./status.ts";
import type { SupervisorContext } from "./supervisor-context.ts";

/** A path is what is in there. */
const MAX_NOTE_BYTES = 4096;
/** A spec has some kilobytes, and as many mounts as somebody likes. */
const MAX_SPEC_BYTES = 16 << 20;

/**
 * A container of a supervisor: its shim as long as there is one, and what is done for it by and by. `attend` is that
 * one thing, whatever has happened: to find the shim again, to clean up after a dead one, to put away what has ended.
 */
export class ManagedContainer {
  readonly config: ContainerConfig;
  readonly parts: ContainerParts = {};
  readonly execs: ExecProcesses;
  /** Whether its record cannot be understood: then it can only be removed. */
  readonly isBroken: boolean;
  /** Whether what is on record by its id is certainly its own. */
  isOnRecord = false;
  /** A removal that is under way. */
  removal: Promise<void> | undefined;
  /** Its record is taken away: once, as the id is free for another from then on. */
  discarding: Promise<void> | undefined;
  readonly #context: SupervisorContext;
  readonly #settled = deferred();
  #adopted = deferred();
  #saving: Promise<void> = Promise.resolve();
  #onDisk: Promise<void> = Promise.resolve();
  #spec: OciSpec | undefined;

  constructor(context: SupervisorContext, config: ContainerConfig, isBroken = false) {
    this.isBroken = isBroken;
    const { stateDir, namespace, limits } = context;
    this.#context = context;
    this.config = config;
    const { id } = config;
    this.execs = new ExecProcesses({ id, limits, task: () => this.reach() });
    this.parts.bundle = bundleAt({ root: path.join(stateDir, "bundles"), namespace, id });
  }

  get id(): string {
    return this.config.id;
  }

  get status(): ContainerStatus {
    const status = this.#context.store.get(this.id);
    if (status !== undefined) return status;
    throw new StatusError(StatusCode.notFound, `there is no container ${this.id}`);
  }

  /** The bundle's directory, whether or not it is there. */
  get bundle(): string {
    return this.parts.bundle?.path ?? "";
  }

  /**
   * Its shim's service, as soon as that is connected, which takes a moment after a restart. `notFound` where the
   * container has ended, `deadlineExceeded` where the shim cannot be reached in time.
   */
  async reach(): Promise<TaskClient> {
    const { limits, store, closing } = this.#context;
    const time = deadline(limits.reconnectMs, `connecting to the shim of container ${this.id}`, closing);
    try {
      while (this.parts.shim === undefined && this.status.phase !== "stopped") {
        await abortable(Promise.race([this.#adopted.promise, store.changed]), time.signal);
      }
    } finally {
      time.cleanup();
    }
    return this.#task;
  }

  get #task(): TaskClient {
    const { shim } = this.parts;
    if (shim !== undefined) return shim.task;
    throw new StatusError(StatusCode.notFound, `container ${this.id} has ended: no process of it is left`);
  }

  /** Resolves when the container has ended and its shim is gone, with its bundle. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** The spec that its init runs by. */
  get spec(): OciSpec {
    if (this.#spec !== undefined) return this.#spec;
    const file = path.join(this.bundle, "config.json");
    const text = readTextFile(file, MAX_SPEC_BYTES);
    if (text === undefined) throw new StatusError(StatusCode.notFound, `${file} does not exist`);
    this.#spec = JSON.parse(text) as OciSpec;
    return this.#spec;
  }

  /** How its shim is called; the binary is the one that it was launched by, where that is known. */
  command(binary?: string): ShimCommand {
    const { stateDir, namespace, eventsAddress } = this.#context;
    const noted = readTextFile(path.join(this.bundle, "shim-binary-path"), MAX_NOTE_BYTES);
    return {
      binary: binary ?? noted ?? this.config.runtime,
      namespace,
      id: this.id,
      bundle: this.bundle,
      address: path.join(stateDir, "ebb.sock"),
      ttrpcAddress: eventsAddress,
      debug: this.config.debug ?? false,
    };
  }

  /** Takes a shim for this container's; when the connection to it ends, the container is attended to. */
  adopt(shim: Shim): void {
    this.parts.shim = shim;
    this.#adopted.resolve();
    this.#adopted = deferred();
    void shim.connection.closed.then(() => {
      if (this.parts.shim !== shim || this.#context.closing.aborted) return;
      delete this.parts.shim;
      void shim.close();
      this.#context.exits.attend(this.id);
    });
  }

  /** Puts on record how far it is, after what was to be put there before. */
  save(): Promise<void> {
    const { records, store } = this.#context;
    const saved = this.#saving.then(async () => {
      const status = store.get(this.id);
      if (status !== undefined) await records.save(this.id, stateOf(status));
    });
    this.#saving = saved.catch(() => {});
    return saved;
  }

  /**
   * Does something on the disk after all that was begun there for this container, and waits for it no longer than a
   * limit; it goes on all the same. A disk that hangs delays what is not on it by nothing.
   */
  onDisk<T>(what: string, work: () => Promise<T>): Promise<T> {
    const { disk, limits } = this.#context;
    const done = this.#onDisk.then(() => disk.add(work));
    this.#onDisk = done.then(
      () => {},
      () => {},
    );
    return within(done, limits.diskMs, `${what} of container ${this.id}`);
  }

  /** Does what is to be done for the container now; says whether it has ended and all is put away. */
  async attend(): Promise<boolean> {
    if (this.parts.shim === undefined && !(await this.#reconnect())) {
      await this.#cleanUpDead();
    } else {
      if (this.status.phase !== "stopped") return false;
      await this.#putAway();
    }
    this.#settled.resolve();
    return true;
  }

  /** Kills what there is of its shim, also where that was never connected, and removes its socket. */
  async killShim(): Promise<boolean> {
    const command = this.command();
    return killShim(command, this.parts.shim?.socketPath ?? this.#notedSocket() ?? usualSocket(command));
  }

  /** Undefined also for an abstract one, and where the shim was killed before it came to say where it listens. */
  #notedSocket(): string | undefined {
    try {
      return socketPathOf(notedAnswer(this.bundle));
    } catch {
      return undefined;
    }
  }

  /** Closes the connection to its shim, which goes on. */
  async close(): Promise<void> {
    await this.parts.shim?.close();
  }

  /** Whether the shim answers; false where it is dead. */
  async #reconnect(): Promise<boolean> {
    if (!(await isMarked(this.bundle))) return false;
    const { limits, closing, onLog } = this.#context;
    try {
      this.adopt(
        await reconnectShim({
          bundle: this.bundle,
          timeoutMs: limits.reconnectMs,
          signal: closing,
          onLog: (line) => onLog(this.id, line),
        }),
      );
    } catch (error) {
      if (await this.#isDead(error)) return false;
      throw error;
    }
    await this.#ask();
    return true;
  }

  /** One that cannot be reached at the moment is left alone as long as it lives. */
  async #isDead(error: unknown): Promise<boolean> {
    if (hasCode(error, StatusCode.notFound)) return true;
    if (!hasCode(error, StatusCode.unavailable)) return false;
    const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
    if (code === "ECONNREFUSED" || code === "ENOENT") return true;
    return (await findShimProcesses(this.command())).length === 0;
  }

  /** Asks the shim how the container is, which may have changed while nobody heard of it. */
  async #ask(): Promise<void> {
    const { id } = this;
    const { store, exits, limits } = this.#context;
    const question = store.ask(id);
    try {
      exits.answer(question, await this.#task.state({ id }, { timeoutMs: limits.callMs }));
    } catch (error) {
      if (!hasCode(error, StatusCode.notFound)) throw error;
      // It has ended, and its end was on record, or nobody knows it.
      store.set(id, { phase: "stopped", confirmed: true });
    }
  }

  /** The record first: what the shim has deleted nobody can ask it for any more. */
  async #putAway(): Promise<void> {
    const { shim } = this.parts;
    await this.save();
    await deleteTask(this.#task, { id: this.id }, this.#context.limits.deleteMs);
    const command = this.command();
    delete this.parts.shim;
    await shutDownShim({ command, ...(shim === undefined ? {} : { shim }) }, false).catch(() =>
      killShim(command, shim?.socketPath),
    );
    await shim?.close();
    await this.parts.bundle?.remove();
  }

  async #cleanUpDead(): Promise<void> {
    const { store } = this.#context;
    const { id } = this;
    const isLeft = await isMarked(this.bundle);
    if (isLeft) await this.#deleteDead();
    const { phase } = this.status;
    if (phase !== "stopped") store.set(id, { phase: "stopped", confirmed: true });
    await this.save();
    if (isLeft) await this.parts.bundle?.remove();
  }

  async #deleteDead(): Promise<void> {
    await this.killShim();
    const { exitStatus, exitedAt } = await deleteShim(this.command());
    if (this.status.ending !== undefined) return;
    const ending = { exitStatus, exitedAt };
    this.#context.store.set(this.id, { phase: "stopped", confirmed: true, ending });
  }
}
