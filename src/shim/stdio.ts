import fs from "node:fs";
import { StatusCode, StatusError } from "../base/status.ts";
import { openInputFifo, openOutputFifo } from "../linux/fifo.ts";

/** Where a process's standard streams go, as the daemon names them: paths of fifos, empty for none. */
export interface StdioPaths {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
}

/** An end that the shim keeps open, and the one that the process gets. */
interface Ends {
  readonly keep: number;
  readonly child: number;
}

/**
 * The standard streams of one process. The process reads and writes the daemon's fifos itself: the shim copies
 * nothing. It keeps an end of each open, so that the process meets no broken pipe while the daemon restarts,
 * and so that what was written waits for a reader.
 */
export class Stdio {
  readonly paths: StdioPaths;
  #stdin: Ends | undefined;
  readonly #outputs = new Map<"stdout" | "stderr", Ends>();

  private constructor(paths: StdioPaths) {
    this.paths = paths;
  }

  /** Opens what the paths name; a path that is no fifo, or of a kind not served yet, is refused. */
  static open(paths: StdioPaths): Stdio {
    if (paths.terminal) throw new StatusError(StatusCode.unimplemented, "terminals are not supported yet");
    const stdio = new Stdio(paths);
    try {
      if (paths.stdin !== "") stdio.#stdin = openInputFifo(fifoPath("stdin", paths.stdin));
      for (const name of ["stdout", "stderr"] as const) {
        if (paths[name] !== "") stdio.#outputs.set(name, openOutputFifo(fifoPath(name, paths[name])));
      }
    } catch (err) {
      stdio.handedOver();
      stdio.close();
      throw err;
    }
    return stdio;
  }

  /** What the process is to inherit as descriptors 0, 1 and 2. */
  get childFds(): (number | "ignore")[] {
    const outputs = [this.#outputs.get("stdout"), this.#outputs.get("stderr")];
    return [this.#stdin, ...outputs].map((ends) => ends?.child ?? "ignore");
  }

  /** The process has its ends: closes the shim's copies, so that a reader sees the end when the process does. */
  handedOver(): void {
    for (const ends of [this.#stdin, ...this.#outputs.values()])
      if (ends !== undefined) fs.closeSync(ends.child);
  }

  /** The process reads the end of its input once the daemon's writers are gone as well. */
  closeStdin(): void {
    if (this.#stdin !== undefined) fs.closeSync(this.#stdin.keep);
    this.#stdin = undefined;
  }

  /**
   * Lets everything go. What the process wrote is in the fifo and stays there for a reader that has it open, as
   * the daemon has from before Create on; there is nothing to wait for.
   */
  close(): void {
    this.closeStdin();
    for (const { keep } of this.#outputs.values()) fs.closeSync(keep);
    this.#outputs.clear();
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
