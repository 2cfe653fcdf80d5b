import fs from "node:fs";
import { Draining } from "./drain.ts";
import type { Input } from "./input.ts";
import { openInput } from "./open-input.ts";
import { openOutputs } from "./open-outputs.ts";
import { closeChildFds, type Output } from "./output.ts";
import type { ProcessStdio, StdioHost, StdioOwner, StdioPaths } from "./stdio.ts";

/**
 * The streams of a process without a terminal. An init reads and writes the daemon's fifos by itself: the shim copies
 * nothing. What goes to a file, and the output of an exec that goes to a fifo, is relayed; all of both where the
 * settings say so ({@link isRelayed}).
 */
export class PipedStdio implements ProcessStdio {
  readonly paths: StdioPaths;
  readonly consoleSocket = undefined;
  readonly #input: Input | undefined;
  readonly #outputs: readonly Output[];
  readonly #draining: Draining;
  #handedOver = false;

  private constructor(
    host: StdioHost,
    owner: StdioOwner,
    streams: { paths: StdioPaths; input: Input | undefined; outputs: readonly Output[] },
  ) {
    this.paths = streams.paths;
    this.#input = streams.input;
    this.#outputs = streams.outputs;
    const passOn = () => Promise.all(streams.outputs.map((output) => output.finished()));
    this.#draining = new Draining(host, owner, passOn);
  }

  /** Opens what the paths name; where one cannot be opened, none stays open. */
  static async open(host: StdioHost, paths: StdioPaths, owner: StdioOwner): Promise<PipedStdio> {
    const input = await openInput(host, paths, owner);
    try {
      const outputs = await openOutputs(host, paths, owner);
      return new PipedStdio(host, owner, { paths, input, outputs });
    } catch (err) {
      if (input !== undefined) fs.closeSync(input.childFd);
      input?.close();
      throw err;
    }
  }

  get childFds(): (number | "ignore")[] {
    const of = (stream: "stdout" | "stderr") =>
      this.#outputs.find(({ childFds }) => childFds[stream] !== undefined)?.childFds[stream];
    return [this.#input?.childFd, of("stdout"), of("stderr")].map((fd) => fd ?? "ignore");
  }

  /** With the shim's copies closed, a reader sees the end when the process has closed its own. */
  async handedOver(): Promise<void> {
    this.#closeChildFds();
    for (const output of this.#outputs) output.begin?.();
  }

  resize(): void {}

  closeStdin(): void {
    this.#input?.end();
  }

  processEnded(): void {
    this.#draining.begin();
  }

  drained(): Promise<void> {
    return this.#draining.drained();
  }

  async close(): Promise<void> {
    this.#closeChildFds();
    this.#input?.close();
    await Promise.all(this.#outputs.map((output) => output.close()));
  }

  #closeChildFds(): void {
    if (this.#handedOver) return;
    this.#handedOver = true;
    if (this.#input !== undefined) fs.closeSync(this.#input.childFd);
    closeChildFds(this.#outputs);
  }
}
