import { within } from "../../base/deadline.ts";
import type { Logger } from "../../base/logger.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { checkId } from "../../oci/id.ts";
import type { google } from "../../proto/index.ts";
import { Exec, type ExecParts } from "./exec.ts";
import { ExitOrder, INIT } from "./exit-order.ts";
import type { Host } from "./host.ts";
import { Init, type InitParts } from "./init.ts";
import type { TaskState } from "./lifecycle.ts";
import type { Exit, Process } from "./process.ts";

const SIGKILL = 9;

/** What a container is made of once Create has made it. */
export interface ContainerParts extends Omit<InitParts, "host" | "order" | "onEnd" | "releaseExecs"> {
  /** The owner of the stdio pipes of its processes. */
  readonly io: { readonly uid: number; readonly gid: number };
  /** Publishes the exit of a process, once, when its turn has come. */
  readonly onExit: (process: Process, exit: Exit) => void;
}

/** A container: its init, its execs, and the order in which their exits are told. */
export class Container {
  readonly id: string;
  readonly bundle: string;
  readonly init: Init;
  readonly #host: Host;
  readonly #parts: ContainerParts;
  readonly #logger: Logger;
  readonly #order: ExitOrder<Process, Exit>;
  readonly #execs = new Map<string, Exec>();
  readonly #ended = new AbortController();

  /** Takes over what Create has made; the init's exit is held back until {@link announced}. */
  constructor(host: Host, parts: ContainerParts) {
    this.id = parts.id;
    this.bundle = parts.bundle;
    this.#host = host;
    this.#parts = parts;
    this.#logger = host.logger.child({ id: parts.id });
    this.#order = new ExitOrder((process, exit) => this.#deliver(process, exit));
    this.init = new Init({
      ...parts,
      host,
      order: this.#order,
      onEnd: (exit) => void this.#initEnded(exit),
      releaseExecs: () => this.#releaseExecs(),
    });
  }

  /** The event that announces the container was published: the exit of its init may follow. */
  announced(): void {
    this.#order.announced(this.init);
  }

  /** The init (an empty id) or an exec; `notFound`, naming both, where there is none. */
  process(execId: string): Process {
    const process = execId === INIT ? this.init : this.#execs.get(execId);
    if (process !== undefined) return process;
    throw new StatusError(StatusCode.notFound, `container ${this.id} has no process ${execId}`);
  }

  /** Adds an exec, which then waits for its start. Nothing is made for it before. */
  addExec(execId: string, parts: Pick<ExecParts, "spec" | "paths">): Exec {
    checkId(execId);
    if (this.#execs.has(execId)) {
      throw new StatusError(
        StatusCode.alreadyExists,
        `process ${execId} of container ${this.id} exists already`,
      );
    }
    this.init.check("exec in");
    if (this.init.pid === 0) {
      throw new StatusError(StatusCode.failedPrecondition, `container ${this.id} is not restored yet`);
    }
    const { id, bundle } = this;
    const { runc, io } = this.#parts;
    const shared = { host: this.#host, order: this.#order, signal: this.#ended.signal };
    const exec = new Exec({ ...shared, id, execId, bundle, runc, io, ...parts });
    this.#execs.set(execId, exec);
    return exec;
  }

  /** Those that are not deleted. */
  get execs(): Iterable<Process> {
    return this.#execs.values();
  }

  /** Forgets an exec that was deleted. */
  forget(exec: Process): void {
    if (this.#execs.get(exec.execId) === exec) this.#execs.delete(exec.execId);
  }

  /** What a process is doing: one that runs in a frozen container is frozen. */
  stateOf(process: Process): TaskState {
    const { state } = this.init;
    return process.state === "running" && (state === "paused" || state === "pausing") ? state : process.state;
  }

  /** All its processes by pid, ascending, those that were added with their ids; none once it has ended. */
  processes(): { readonly pid: number; readonly execId: string | undefined }[] {
    const { cgroup, exit } = this.init;
    if (cgroup === undefined || exit !== undefined) return [];
    const execIds = new Map([...this.#execs.values()].map(({ pid, execId }) => [pid, execId]));
    return cgroup.pids().map((pid) => ({ pid, execId: execIds.get(pid) }));
  }

  /** The figures of its control groups, the last ones once it has ended; `notFound` where there are none. */
  metrics(): Promise<google.protobuf.IAny> {
    const { cgroup } = this.init;
    if (cgroup !== undefined) return cgroup.metrics();
    throw new StatusError(StatusCode.notFound, `container ${this.id} has no control group of its own`);
  }

  #deliver(process: Process, exit: Exit): void {
    this.init.cgroup?.lookForOom();
    process.finish(exit, () => this.#parts.onExit(process, exit));
  }

  /** The init's exit says that nothing of the container runs any longer, so the rest is seen to first. */
  async #initEnded(exit: Exit): Promise<void> {
    const { execExitMs } = this.#host.settings;
    if (!this.init.takesRestAlong) await this.#killRest(execExitMs);
    this.#order.exited(this.init, exit);
    try {
      await within(this.init.exited, execExitMs, `the end of the execs of ${this.id}`);
    } catch (err) {
      this.#logger.error("the exit of a container waits no longer for its execs", { err });
      this.#ended.abort(new StatusError(StatusCode.failedPrecondition, `container ${this.id} has ended`));
      this.#order.overdue();
    }
  }

  async #killRest(limitMs: number): Promise<void> {
    const { cgroup } = this.init;
    for (const exec of this.#execs.values()) await exec.kill(SIGKILL).catch(() => {});
    try {
      await cgroup?.kill(limitMs);
    } catch (err) {
      this.#logger.error("processes of a container outlive its init", { err });
    }
  }

  async #releaseExecs(): Promise<void> {
    for (const exec of this.#execs.values()) await exec.release();
  }
}
