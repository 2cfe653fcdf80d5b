import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { abortable, deadline } from "../base/deadline.ts";
import { type FifoReader, type FifoWriter, makeFifos, openFifoReader, openFifoWriter } from "./fifo.ts";

/** Takes a container's output, a piece at a time; the next piece comes when the promise resolves. */
export type OutputSink = (data: Uint8Array) => void | Promise<void>;

/** Where a container's streams go. An output without a sink is dropped; without any, and without stdin, none is set up. */
export interface StdioOptions {
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly stdout?: OutputSink;
  readonly stderr?: OutputSink;
  /** The process has a terminal, whose output is one stream: stdout. */
  readonly terminal?: boolean;
  /** A sink or the stdin failed; output goes on being read, and dropped. Called once for each stream. */
  readonly onFailure?: (error: unknown, stream: "stdin" | "stdout" | "stderr") => void;
}

/** The paths that a Create request takes; an empty one means none. */
export interface StdioPaths {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * A container's streams as named pipes. The reading ends are open before anybody is told of the pipes, as a
 * shim waits in `open` for a reader; the writing end follows once the shim reads. Nothing here blocks, and
 * everything ends with `close`, whether or not the shim ever came.
 */
export class ContainerStdio {
  readonly paths: StdioPaths;
  readonly #dir: string;
  readonly #options: StdioOptions;
  readonly #readers: FifoReader[] = [];
  readonly #outputs: Promise<void>[] = [];
  readonly #closing = new AbortController();
  #writer: FifoWriter | undefined;
  /** Pieces that a sink has not taken yet, and how many were. */
  #busy = 0;
  #delivered = 0;

  private constructor(dir: string, options: StdioOptions) {
    const at = (name: keyof StdioPaths, wanted: boolean) => (wanted ? path.join(dir, name) : "");
    const stdin = options.stdin !== undefined;
    // With one of the outputs alone, containerd's own shim fails: it opens the other one by its empty name.
    const outputs = stdin || options.stdout !== undefined || options.stderr !== undefined;
    const stderr = outputs && options.terminal !== true;
    this.paths = { stdin: at("stdin", stdin), stdout: at("stdout", outputs), stderr: at("stderr", stderr) };
    this.#dir = dir;
    this.#options = options;
  }

  /** Makes the pipes in a new directory (0700), which `close` removes, and starts to read the outputs. */
  static async open(dir: string, options: StdioOptions): Promise<ContainerStdio> {
    const stdio = new ContainerStdio(dir, options);
    await mkdir(dir, { mode: 0o700 });
    try {
      await makeFifos(Object.values(stdio.paths).filter((file) => file !== ""));
      stdio.#openOutputs();
      return stdio;
    } catch (error) {
      await stdio.close();
      throw error;
    }
  }

  #openOutputs(): void {
    for (const name of ["stdout", "stderr"] as const) {
      if (this.paths[name] === "") continue;
      const sink = this.#options[name] ?? (() => {});
      const reader = openFifoReader(this.paths[name]);
      this.#readers.push(reader);
      this.#outputs.push(this.#pump(name, reader, sink));
    }
  }

  async #pump(name: "stdout" | "stderr", reader: FifoReader, sink: OutputSink): Promise<void> {
    let failed = false;
    const fail = (error: unknown) => {
      if (!failed && !this.#closing.signal.aborted) this.#options.onFailure?.(error, name);
      failed = true;
    };
    try {
      for await (const data of reader) {
        // A sink that failed once gets no more, but the pipe is emptied on, so that the container is not stuck.
        if (!failed) await this.#deliver(sink, data).catch(fail);
      }
    } catch (error) {
      fail(error);
    }
  }

  async #deliver(sink: OutputSink, data: Uint8Array): Promise<void> {
    this.#busy += 1;
    try {
      await sink(data);
    } finally {
      this.#busy -= 1;
      this.#delivered += 1;
    }
  }

  /**
   * Feeds stdin to the container as soon as the shim reads it; at its end, `closeIO` tells the shim to close
   * its own end. Call it after Create; returns at once.
   */
  feedStdin(closeIO: () => Promise<unknown>): void {
    if (this.#options.stdin === undefined) return;
    this.#feed(this.#options.stdin, closeIO).catch((error) => {
      if (!this.#closing.signal.aborted) this.#options.onFailure?.(error, "stdin");
    });
  }

  async #feed(source: AsyncIterable<Uint8Array>, closeIO: () => Promise<unknown>): Promise<void> {
    const { signal } = this.#closing;
    const writer = await openFifoWriter(this.paths.stdin, signal);
    this.#writer = writer;
    try {
      for await (const data of source) {
        if (signal.aborted) return;
        await writer.write(data);
      }
    } catch (error) {
      // Nothing more comes of a source that fails, as of a terminal that has gone: to who reads that is an end, too.
      writer.close();
      if (!signal.aborted) await closeIO().catch(() => {});
      throw error;
    }
    if (signal.aborted) return;
    writer.close();
    await closeIO();
  }

  /**
   * Waits until the outputs have ended and were taken by their sinks, and says whether they have: gives up when
   * nothing has come for `quietMs` milliseconds, or on abort. A slow sink may take its time. Call it after
   * Delete, when the shim has written all there is.
   */
  async drained(quietMs: number, signal?: AbortSignal): Promise<boolean> {
    let ended = false;
    const outputs = Promise.all(this.#outputs).then(() => {
      ended = true;
    });
    for (;;) {
      const before = this.#delivered;
      const time = deadline(quietMs, "the end of the output", signal);
      await abortable(outputs, time.signal).catch(() => {});
      time.cleanup();
      const quiet = this.#busy === 0 && this.#delivered === before;
      if (ended || quiet || signal?.aborted) return ended;
    }
  }

  /** Ends all streams now and removes the pipes. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const reader of this.#readers) reader.close();
    this.#writer?.close();
    await rm(this.#dir, { recursive: true, force: true });
  }
}
