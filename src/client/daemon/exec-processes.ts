import { google } from "../../proto/index.ts";
import type { OciSpec } from "../spec.ts";
import type { TaskClient } from "../task-client.ts";
import { toDate } from "../time.ts";
import { deleteTask } from "./exit-handler.ts";
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

/** What becomes of a process. */
export interface WatchedExec {
  /** How it ends; rejects where its shim cannot be asked. */
  readonly ending: Promise<Ending>;
  /** Resolves when the shim has deleted it after its end; rejects where it has not. */
  readonly deleted: Promise<void>;
}

/** The further processes of a container: each is waited for from its start on, and deleted once it has ended. */
export class ExecProcesses {
  readonly #options: ExecProcessesOptions;
  readonly #watched = new Map<string, WatchedExec>();

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
    const before = this.#watched.get(execId);
    await task.exec({ id, execId, terminal: process.terminal, ...stdio, spec }, time);
    try {
      const { pid } = await task.start({ id, execId }, time);
      // An id that was used before means another process now. One that has ended before this answer is watched already.
      if (this.#watched.get(execId) === before) this.#watched.delete(execId);
      this.watch(execId);
      return pid;
    } catch (error) {
      // One that stays in the shim goes with its container.
      await this.#delete(execId, task).catch(() => {});
      throw error;
    }
  }

  /** How the process ends or has ended; `notFound` for one that nobody knows. */
  wait(execId: string): Promise<Ending> {
    return this.watch(execId).ending;
  }

  /** Sees to it that a process is deleted once it has ended, whoever has started it. */
  watch(execId: string): WatchedExec {
    const known = this.#watched.get(execId);
    if (known !== undefined) return known;
    const watched = this.#begin(execId);
    this.#watched.set(execId, watched);
    // One that cannot be waited for now may be later, by another connection.
    watched.ending.catch(() => {
      if (this.#watched.get(execId) === watched) this.#watched.delete(execId);
    });
    // Nobody need wait for it: one that stays in the shim goes with its container.
    watched.deleted.catch(() => {});
    for (const oldest of this.#watched.keys()) {
      if (this.#watched.size <= MAX_KEPT) break;
      this.#watched.delete(oldest);
    }
    return watched;
  }

  #begin(execId: string): WatchedExec {
    const task = this.#options.task();
    const ending = task.then(async (shim) => {
      const { exitStatus, exitedAt } = await shim.wait({ id: this.#options.id, execId });
      return { exitStatus, exitedAt: toDate(exitedAt) };
    });
    const deleted = ending.then(async () => this.#delete(execId, await task));
    return { ending, deleted };
  }

  #delete(execId: string, task: TaskClient): Promise<void> {
    const { id, limits } = this.#options;
    return deleteTask(task, { id, execId }, limits.deleteMs);
  }
}
