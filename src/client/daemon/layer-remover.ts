import path from "node:path";
import type PQueue from "p-queue";
import { StatusCode, StatusError } from "../../base/status.ts";
import { keysOf } from "../../rootfs/backing.ts";
import { ageOf, PendingReleases } from "../../rootfs/pending.ts";
import { describeEnding, runProgram } from "../program.ts";
import { type BackOff, RetryQueue } from "./retry-queue.ts";

/** What bounds the removal of layers. */
export interface LayerLimits {
  /** How long the removal of one may take, in milliseconds, before it is tried again. */
  readonly layerMs: number;
  readonly backOff: BackOff;
}

/** Which layers to remove. */
export interface LayerRemoverOptions {
  /** Where the shims of this host note down what they still release. */
  readonly runDirectory: string;
  readonly limits: LayerLimits;
  /** Lets only so many things go on at once on the disk. */
  readonly disk: PQueue;
  /** Gets what hinders the removal of one; it is tried again. */
  readonly onProblem?: (dir: string, error: StatusError) => void;
}

/**
 * Removes what containers have written, each in a queue of its own, once the kernel is done with it: while a release
 * of its overlay goes on, its files are still written. A program does it, so that a slow disk holds no thread of ours.
 */
export class LayerRemover {
  readonly #options: LayerRemoverOptions;
  readonly #queues = new Map<string, RetryQueue>();

  constructor(options: LayerRemoverOptions) {
    this.#options = options;
  }

  /** Those that are still there. */
  get waiting(): readonly string[] {
    return [...this.#queues.keys()];
  }

  /** Takes up what an earlier process has left, as soon as the disk tells; returns at once. */
  resume(find: () => Promise<readonly string[]>): void {
    void this.#options.disk.add(find).then((left) => {
      for (const dir of left) this.add(dir);
    });
  }

  /** Removes a directory with a container's `upper` in it; returns at once. */
  add(dir: string): void {
    if (this.#queues.has(dir)) return;
    const { limits, onProblem } = this.#options;
    const queue = new RetryQueue(limits.backOff, {
      onProblem: (error) => onProblem?.(dir, error),
      onDone: () => this.#queues.delete(dir),
    });
    this.#queues.set(dir, queue);
    // Rejects only when this is closed; what is left is for whoever comes next.
    queue.add(() => this.#remove(dir)).catch(() => {});
  }

  /** Ends after the attempts that are under way. */
  close(): void {
    const reason = new StatusError(StatusCode.cancelled, "layers are removed no more");
    for (const queue of this.#queues.values()) queue.close(reason);
  }

  async #remove(dir: string): Promise<void> {
    await this.#expectReleased(path.join(dir, "upper"));
    const result = await runProgram({
      file: "rm",
      args: ["-rf", "--one-file-system", "--", dir],
      timeoutMs: this.#options.limits.layerMs,
    });
    if (result.exitCode === 0) return;
    throw new StatusError(StatusCode.unknown, `${dir} could not be removed: ${describeEnding(result)}`);
  }

  async #expectReleased(upper: string): Promise<void> {
    const overlay = { type: "overlay", source: "", target: "", options: [`upperdir=${upper}`] };
    const keys = await this.#options.disk.add(() => keysOf([overlay]));
    const releases = new PendingReleases(this.#options.runDirectory).list();
    const holder = releases.find(({ key }) => key !== undefined && keys.includes(key));
    if (holder === undefined) return;
    const seconds = Math.round(ageOf(holder) / 1000);
    const message = `${upper} is still being released by pid ${holder.helper.pid}, for ${seconds} s`;
    throw new StatusError(StatusCode.unavailable, message);
  }
}
