import { google } from "../../proto/index.ts";
import type { OciSpec } from "../spec.ts";
import type { TaskClient } from "../task-client.ts";
import { toDate } from "../time.ts";
import type { Ending } from "./status.ts";
import type { SupervisorLimits } from "./supervisor-limits.ts";
import type { StdioPaths } from "./supervisor-options.ts";

/** What an Exec request's spec is of. */
const PROCESS_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/Process";

/** How many ends are kept for who asks late. */
const MAX_KEPT = 1024;

/** Whose processes these are. */
export interface ExecProcessesOptions {
  readonly id: string;
  readonly limits: SupervisorLimits;
  /** The shim that has the container now. */
  readonly task: () => Promise<TaskClient>;
}

/** A process to run, as the shim takes it. */
export interface NewExec {
  readonly execId: string;
  readonly process: OciSpec["process"];
  readonly stdio: StdioPaths;
}

/** The further processes of a container: each is waited for from its start on, and deleted once it has ended. */
export class ExecProcesses {
  readonly #options: ExecProcessesOptions;
  readonly #endings = new Map<string, Promise<Ending>>();

  constructor(options: ExecProcessesOptions) {
    this.#options = options;
  }

  /** Runs a process; resolves to its pid. Where it does not start, the shim forgets it. */
  async run({ execId, process, stdio }: NewExec): Promise<number> {
    const { id, limits } = this.#options;
    const task = await this.#options.task();
    const time = { timeoutMs: limits.createMs };
    const value = Buffer.from(JSON.stringify(process));
    const spec = google.protobuf.Any.create({ typeUrl: PROCESS_TYPE, value });
    const before = this.#endings.get(execId);
    await task.exec({ id, execId, terminal: process.terminal, ...stdio, spec }, time);
    try {
      const { pid } = await task.start({ id, execId }, time);
      // An id that was used before means another process now. One that has ended before this answer is watched already.
      if (this.#endings.get(execId) === before) this.#endings.delete(execId);
      this.watch(execId);
      return pid;
    } catch (error) {
      await this.#delete(execId, task);
      throw error;
    }
  }

  /** How the process ends or has ended; `notFound` for one that nobody knows. */
  wait(execId: string): Promise<Ending> {
    return this.watch(execId);
  }

  /** Sees to it that a process is deleted once it has ended, whoever has started it. */
  watch(execId: string): Promise<Ending> {
    const known = this.#endings.get(execId);
    if (known !== undefined) return known;
    const ending = this.#await(execId);
    // One that cannot be waited for now may be later, by another connection.
    ending.catch(() => this.#endings.delete(execId));
    this.#endings.set(execId, ending);
    for (const oldest of this.#endings.keys()) {
      if (this.#endings.size <= MAX_KEPT) break;
      this.#endings.delete(oldest);
    }
    return ending;
  }

  async #await(execId: string): Promise<Ending> {
    const task = await this.#options.task();
    const { exitStatus, exitedAt } = await task.wait({ id: this.#options.id, execId });
    void this.#delete(execId, task);
    return { exitStatus, exitedAt: toDate(exitedAt) };
  }

  /** One that stays in the shim goes with its container. */
  async #delete(execId: string, task: TaskClient): Promise<void> {
    const { id, limits } = this.#options;
    await task.delete({ id, execId }, { timeoutMs: limits.deleteMs }).catch(() => {});
  }
}
