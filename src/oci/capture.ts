import type { PipeOutput } from "../base/launch.ts";

/** What a program wrote. */
export interface CapturedText {
  readonly text: string;
  /** Whether it wrote more than was kept. */
  readonly truncated: boolean;
}

/** How long an output may be silent after its writer's exit before it counts as read to the end. */
const IDLE_MS = 10;
/** How long, at most, an output is read after its writer's exit: others that hold it may write forever. */
const DRAIN_MS = 200;

/**
 * Reads an output as it comes, so that the writer is never held up, and keeps its first bytes. Without an output the
 * text is empty.
 */
export class Capture {
  readonly #output: PipeOutput | undefined;
  readonly #maxBytes: number;
  readonly #chunks: Uint8Array[] = [];
  readonly #ended: Promise<void>;
  #length = 0;
  #truncated = false;
  #reads = 0;

  constructor(output: PipeOutput | undefined, maxBytes: number) {
    this.#output = output;
    this.#maxBytes = maxBytes;
    this.#ended = output?.read((chunk) => this.#take(chunk)) ?? Promise.resolve();
  }

  /**
   * To be called after the writer's exit: what it wrote is in the pipe by then and is read here. Does not wait
   * for the end of the stream, which does not come while another process holds the pipe open.
   */
  async drain(): Promise<CapturedText> {
    const silence = this.#silence();
    await Promise.race([this.#ended, silence.promise]);
    silence.stop();
    this.close();
    return { text: Buffer.concat(this.#chunks).toString("utf8"), truncated: this.#truncated };
  }

  /** Closes our end of the output; repeatable. */
  close(): void {
    this.#output?.close();
  }

  #take(chunk: Uint8Array): void {
    this.#reads += 1;
    const kept = chunk.subarray(0, this.#maxBytes - this.#length);
    if (kept.length > 0) this.#chunks.push(kept);
    if (kept.length < chunk.length) this.#truncated = true;
    this.#length += kept.length;
  }

  /** Resolves once nothing more comes, and lets go of its timer when told to. */
  #silence(): { promise: Promise<void>; stop: () => void } {
    let timer: NodeJS.Timeout | undefined;
    let stopped = false;
    const stop = () => {
      stopped = true;
      clearTimeout(timer);
    };
    const giveUp = performance.now() + DRAIN_MS;
    const promise = new Promise<void>((resolve) => {
      const look = (readsBefore: number) => {
        timer = setTimeout(() => {
          // A timer may fire late and before the reads that were due: one more turn of the loop takes them.
          setImmediate(() => {
            if (stopped) return;
            if (this.#reads === readsBefore || performance.now() > giveUp) resolve();
            else look(this.#reads);
          });
        }, IDLE_MS);
      };
      look(this.#reads);
    });
    return { promise, stop };
  }
}
