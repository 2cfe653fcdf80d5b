import { closeSync, constants, mkdirSync, openSync, rmSync } from "node:fs";
import path from "node:path";
import { abortable, deadline } from "../../src/base/deadline.ts";
import { deferred } from "../../src/base/deferred.ts";
import {
  type FifoReader,
  type FifoWriter,
  makeFifos,
  openFifoReader,
  openFifoWriter,
} from "../../src/client/fifo.ts";
import type { Bench } from "./bench.ts";

/** How long output may be waited for, in milliseconds. */
const OUTPUT_MS = 30_000;

/** Which pipes to make. */
export interface StreamsPlan {
  readonly stdin?: boolean;
  /** A terminal has no stderr of its own. */
  readonly terminal?: boolean;
}

/** Named pipes for a process, read as the daemon would. */
export class Streams {
  /** What a Create or Exec request says of them. */
  readonly request: { stdin: string; stdout: string; stderr: string; terminal: boolean };
  readonly #outputs: Output[];
  readonly #held: number[] = [];
  #writer: FifoWriter | undefined;

  private constructor(request: Streams["request"]) {
    this.request = request;
    this.#outputs = [new Output(request.stdout), new Output(request.stderr)];
  }

  /** Makes the pipes in a new directory; nobody reads them yet. */
  static async make(bench: Bench, name: string, plan: StreamsPlan = {}): Promise<Streams> {
    const { stdin = false, terminal = false } = plan;
    const dir = path.join(bench.dir, `pipes-${name}`);
    mkdirSync(dir);
    const at = (stream: string, wanted: boolean) => (wanted ? path.join(dir, stream) : "");
    const request = {
      stdin: at("in", stdin),
      stdout: at("out", true),
      stderr: at("err", !terminal),
      terminal,
    };
    const { terminal: _, ...paths } = request;
    await makeFifos(Object.values(paths).filter((file) => file !== ""));
    const streams = new Streams(request);
    bench.atEnd(() => {
      streams.close();
      rmSync(dir, { recursive: true, force: true });
    });
    return streams;
  }

  /** Makes the pipes and reads the outputs from now on. */
  static async open(bench: Bench, name: string, plan: StreamsPlan = {}): Promise<Streams> {
    const streams = await Streams.make(bench, name, plan);
    streams.read();
    return streams;
  }

  /** Reads the outputs from now on. */
  read(): void {
    for (const output of this.#outputs) output.open();
  }

  /** Reads no more, as a daemon that is stopped. */
  leave(): void {
    for (const output of this.#outputs) output.close();
  }

  /** Keeps the pipes open for reading and reads nothing, as a daemon that hangs. */
  hold(): void {
    for (const file of [this.request.stdout, this.request.stderr]) {
      if (file !== "") this.#held.push(openSync(file, constants.O_RDONLY | constants.O_NONBLOCK));
    }
  }

  /** What has come out so far, both outputs one after the other where there are two. */
  get stdout(): string {
    return this.#outputs[0]?.text ?? "";
  }

  get stderr(): string {
    return this.#outputs[1]?.text ?? "";
  }

  /** Waits until stdout holds this. */
  async until(text: string | RegExp): Promise<void> {
    await this.#outputs[0]?.until(text);
  }

  /** Waits until every writer has closed both outputs. */
  async ended(): Promise<void> {
    for (const output of this.#outputs) await output.ended();
  }

  /** Writes to stdin. */
  async write(text: string): Promise<void> {
    const time = deadline(OUTPUT_MS, `a reader of ${this.request.stdin}`);
    try {
      this.#writer ??= await openFifoWriter(this.request.stdin, time.signal);
    } finally {
      time.cleanup();
    }
    await this.#writer.write(Buffer.from(text));
  }

  /** Closes this end of stdin. */
  closeStdin(): void {
    this.#writer?.close();
    this.#writer = undefined;
  }

  close(): void {
    this.leave();
    this.closeStdin();
    for (const fd of this.#held.splice(0)) closeSync(fd);
  }
}

/** One output, as text. */
class Output {
  readonly #file: string;
  #reader: FifoReader | undefined;
  #text = "";
  #ended = deferred();
  #news = deferred();

  constructor(file: string) {
    this.#file = file;
  }

  get text(): string {
    return this.#text;
  }

  open(): void {
    if (this.#file === "") return;
    const reader = openFifoReader(this.#file);
    this.#reader = reader;
    this.#ended = deferred();
    void this.#collect(reader).catch(() => {});
  }

  close(): void {
    this.#reader?.close();
    this.#reader = undefined;
  }

  async until(wanted: string | RegExp): Promise<void> {
    const fits = () => (typeof wanted === "string" ? this.#text.includes(wanted) : wanted.test(this.#text));
    const time = deadline(OUTPUT_MS, `waiting for ${wanted} in ${JSON.stringify(this.#text.slice(-200))}`);
    try {
      while (!fits()) await abortable(this.#news.promise, time.signal);
    } finally {
      time.cleanup();
    }
  }

  async ended(): Promise<void> {
    if (this.#reader === undefined) return;
    const time = deadline(OUTPUT_MS, `the end of ${this.#file}`);
    await abortable(this.#ended.promise, time.signal).finally(time.cleanup);
  }

  async #collect(reader: FifoReader): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of reader) {
      this.#text += decoder.decode(chunk, { stream: true });
      const { resolve } = this.#news;
      this.#news = deferred();
      resolve();
    }
    this.#ended.resolve();
  }
}
