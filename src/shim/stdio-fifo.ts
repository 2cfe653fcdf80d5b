import fs from "node:fs";
import { StatusCode, StatusError } from "../base/status.ts";
import { openInputFifo, openOutputFifo } from "../linux/fifo.ts";
import type { ProcessStdio, StdioPaths } from "./stdio.ts";

/**
 * Streams that are fifos, without a terminal. The process reads and writes the daemon's fifos itself: the shim
 * copies nothing. It keeps an end of each open, so that the process meets no broken pipe while the daemon
 * restarts, and so that what was written waits for a reader.
 */
export class FifoStdio implements ProcessStdio {
  readonly paths: StdioPaths;
  readonly consoleSocket = undefined;
  readonly childFds: (number | "ignore")[] = ["ignore", "ignore", "ignore"];
  #stdin: number | undefined;
  #kept: number[] = [];

  private constructor(paths: StdioPaths) {
    this.paths = paths;
  }

  /** Opens what the paths name; a path that is no fifo, or of a kind not served yet, is refused. */
  static async open(paths: StdioPaths): Promise<FifoStdio> {
    const stdio = new FifoStdio(paths);
    try {
      stdio.#open();
    } catch (err) {
      await stdio.close();
      throw err;
    }
    return stdio;
  }

  #open(): void {
    const { stdin, stdout, stderr } = this.paths;
    if (stdin !== "") {
      const { keep, child } = openInputFifo(fifoPath("stdin", stdin));
      this.#stdin = keep;
      this.childFds[0] = child;
    }
    for (const [fd, name, value] of [
      [1, "stdout", stdout],
      [2, "stderr", stderr],
    ] as const) {
      if (value === "") continue;
      const { keep, child } = openOutputFifo(fifoPath(name, value));
      this.#kept.push(keep);
      this.childFds[fd] = child;
    }
  }

  /** With the shim's copies closed, a reader sees the end when the process has closed its own. */
  async handedOver(): Promise<void> {
    for (const fd of this.childFds.splice(0)) if (fd !== "ignore") fs.closeSync(fd);
  }

  resize(): void {}

  closeStdin(): void {
    if (this.#stdin !== undefined) fs.closeSync(this.#stdin);
    this.#stdin = undefined;
  }

  /**
   * What the process wrote is in the fifo and stays there for a reader that has it open, as the daemon has from
   * before Create on; there is nothing to wait for.
   */
  async drained(): Promise<void> {}

  async close(): Promise<void> {
    await this.handedOver();
    this.closeStdin();
    for (const fd of this.#kept.splice(0)) fs.closeSync(fd);
  }
}

function fifoPath(name: string, path: string): string {
  const scheme = /^([a-z0-9-]+):\/\//.exec(path)?.[1];
  if (scheme !== undefined && scheme !== "fifo") {
    throw new StatusError(
      StatusCode.unimplemented,
      `${name} ${path}: ${scheme} is not supported yet, only fifos`,
    );
  }
  const plain = path.replace(/^fifo:\/\//, "");
  if (plain.startsWith("/")) return plain;
  throw new StatusError(StatusCode.invalidArgument, `${name} ${path}: not an absolute path`);
}
