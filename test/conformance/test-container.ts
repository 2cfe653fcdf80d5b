import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { within } from "../../src/base/deadline.ts";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import {
  type Bundle,
  deleteShim,
  type LaunchOptions,
  launchShim,
  type OciSpec,
  Shim,
  type ShimDeletion,
  type StartAnswer,
  type TaskClient,
} from "../../src/client/index.ts";
import { ShimLog } from "../../src/client/shim-log.ts";
import { containerd } from "../../src/proto/index.ts";
import { connect } from "../../src/ttrpc/index.ts";
import type { Bench } from "./bench.ts";
import { specAny } from "./options.ts";

/** Waiting for what a case has been told of already, in milliseconds. */
const SOON_MS = 10_000;
/** How long the exit of a killed container is waited for, in milliseconds. */
const EXIT_MS = 15_000;
const SIGKILL = 9;
/** What dies by a signal writes no core file: that would go to a disk, into what all cases share. */
const NO_CORE = [{ type: "RLIMIT_CORE", hard: 0, soft: 0 }];
const { Status } = containerd.v1.types;

type CreateRequest = containerd.task.v2.ICreateTaskRequest;

/** What a container is to be; everything has a default. */
export interface ContainerPlan {
  readonly id?: string;
  /** The program; one that does nothing for long, if not given. */
  readonly args?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** Changes config.json. */
  readonly edit?: (spec: OciSpec) => void;
  /** Options of the runtime, for `start` and Create. */
  readonly options?: containerd.runc.v1.IOptions;
  /** What the Create request says otherwise. */
  readonly request?: CreateRequest;
}

/** What a process that Exec adds is to be. */
export interface ExecPlan extends Partial<containerd.task.v2.IExecProcessRequest> {
  readonly args?: readonly string[];
  /** More of the process in config.json's form. */
  readonly process?: Readonly<Record<string, unknown>>;
}

/** A container of a case, its bundle and its shim. */
export class TestContainer {
  readonly id: string;
  readonly bundle: Bundle;
  readonly plan: ContainerPlan;
  readonly #bench: Bench;
  #shim: Shim | undefined;
  #killed = false;

  constructor(parts: { readonly bench: Bench; readonly bundle: Bundle; readonly plan: ContainerPlan }) {
    this.id = parts.bundle.id;
    this.bundle = parts.bundle;
    this.plan = parts.plan;
    this.#bench = parts.bench;
  }

  get shim(): Shim {
    if (this.#shim === undefined) throw new Error(`${this.id} has no shim`);
    return this.#shim;
  }

  get task(): TaskClient {
    return this.shim.task;
  }

  /** Calls `start`; `more` says what the daemon does otherwise. */
  async launch(more: Partial<LaunchOptions> = {}): Promise<Shim> {
    await this.#shim?.close();
    this.#shim = undefined;
    this.#killed = false;
    this.#shim = await launchShim({ ...this.#bench.command(this), ...more });
    return this.#shim;
  }

  /** Connects to what a `start` answers that is called without {@link launch}; its log is read meanwhile. */
  async attach<A extends Pick<StartAnswer, "address">>(start: () => Promise<A>): Promise<A> {
    await this.#shim?.close();
    this.#shim = undefined;
    const log = await ShimLog.open(this.bundle.path, () => {});
    try {
      const answer = await start();
      const connection = await connect(answer.address, { timeoutMs: SOON_MS });
      this.#shim = new Shim({ version: 2, protocol: "ttrpc", ...answer }, connection, log);
      return answer;
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  /** Changes config.json after the bundle was made: for what `start` is not to see. */
  async rewrite(edit: (spec: OciSpec) => void): Promise<void> {
    const file = path.join(this.bundle.path, "config.json");
    const spec = JSON.parse(await readFile(file, "utf8")) as OciSpec;
    edit(spec);
    await writeFile(file, JSON.stringify(spec));
  }

  /** The request that creates the container: the root file system is a bind mount unless told otherwise. */
  request(more: CreateRequest = {}): CreateRequest {
    const { options } = this.#bench.command(this);
    return {
      id: this.id,
      bundle: this.bundle.path,
      rootfs: [{ type: "bind", source: this.#bench.target.lower, options: ["rbind", "rw"] }],
      ...(options === undefined ? {} : { options }),
      ...this.plan.request,
      ...more,
    };
  }

  /** Creates the container and returns the pid of its init. */
  async create(more: CreateRequest = {}): Promise<number> {
    return (await this.task.create(this.request(more))).pid;
  }

  /** Adds a process, without starting it. */
  async exec(execId: string, plan: ExecPlan = {}): Promise<void> {
    const { args = ["sleep", "1000"], process, ...more } = plan;
    const user = { uid: 0, gid: 0 };
    const spec = { args, cwd: "/", env: ["PATH=/bin"], user, rlimits: NO_CORE, ...process };
    await this.task.exec({
      id: this.id,
      execId,
      terminal: false,
      spec: specAny("Process", { terminal: more.terminal ?? false, ...spec }),
      ...more,
    });
  }

  /** Adds a process and starts it; returns its pid. */
  async execStarted(execId: string, plan: ExecPlan = {}): Promise<number> {
    await this.exec(execId, plan);
    return (await this.task.start({ id: this.id, execId })).pid;
  }

  /** Adds a process, starts it and waits for its exit; returns its exit status. */
  async execEnded(execId: string, plan: ExecPlan = {}): Promise<number> {
    await this.execStarted(execId, plan);
    return (await this.task.wait({ id: this.id, execId })).exitStatus;
  }

  /** Kills the container and waits until it has stopped. */
  async kill(signal = SIGKILL): Promise<number> {
    await this.task.kill({ id: this.id, signal, all: true });
    return (await this.task.wait({ id: this.id })).exitStatus;
  }

  /** Kills the shim, as the kernel might, and waits until it is gone. */
  async killShim(): Promise<void> {
    const { shimPid } = await this.task.connect({ id: this.id });
    process.kill(shimPid, "SIGKILL");
    this.#killed = true;
    await within(this.shim.connection.closed, SOON_MS, `the end of shim ${shimPid}`);
  }

  /** Calls the binary's `delete`, as the daemon does after a shim has gone. */
  async deleteByBinary(): Promise<ShimDeletion> {
    return deleteShim(this.#bench.command(this));
  }

  /** Tells the shim to shut down. One that goes while it answers has done what it was told. */
  async shutDown(): Promise<void> {
    await this.task.shutdown({ id: this.id }, { timeoutMs: SOON_MS }).catch((error) => {
      if (!hasCode(error, StatusCode.unavailable)) throw error;
    });
  }

  /** Kills, deletes and shuts down whatever is still there, and nothing more. */
  async end(): Promise<void> {
    const shim = this.#shim;
    if (shim === undefined) return;
    // Nobody removes the socket of a shim that was killed; the next `start` takes its place.
    if (this.#killed) await rm(shim.socketPath ?? "", { force: true });
    const { task, connection } = shim;
    try {
      const state = await task.state({ id: this.id }).catch(unlessNotFound);
      if (state !== undefined) await this.#endTask(task, state);
      await this.shutDown();
    } catch (error) {
      // A case may have ended the shim itself.
      if (!hasCode(error, StatusCode.unavailable)) throw error;
    }
    await within(connection.closed, 200, "the end of the shim").catch(() => {});
    await shim.close();
  }

  async #endTask(task: TaskClient, { status, pid }: containerd.task.v2.IStateResponse): Promise<void> {
    const { id } = this;
    // Killed while it was paused, it may be on its way out.
    if (status === Status.PAUSED) await task.resume({ id }).catch(() => {});
    if (status !== Status.STOPPED) await task.kill({ id, signal: SIGKILL, all: true }).catch(unlessNotFound);
    // One that could not be restored has nothing to wait for.
    if (pid !== 0) await task.wait({ id }, { timeoutMs: EXIT_MS }).catch(unlessLate);
    await task.delete({ id });
  }
}

function unlessLate(error: unknown): void {
  if (!hasCode(error, StatusCode.deadlineExceeded)) throw error;
}

function unlessNotFound(error: unknown): undefined {
  if (!hasCode(error, StatusCode.notFound)) throw error;
  return undefined;
}
