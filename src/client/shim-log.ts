import { closeSync, constants, openSync } from "node:fs";
import { lstat } from "node:fs/promises";
import path from "node:path";
import { within } from "../base/deadline.ts";
import { deferred } from "../base/deferred.ts";
import { type FifoReader, makeFifos, openFifoReader } from "./fifo.ts";

/** The longest line that is kept whole, in characters; a longer one comes in pieces. */
const MAX_LINE = 64 * 1024;

/** How long closing waits for the lines that are still in the pipe, in milliseconds. */
const DRAIN_MS = 500;

/** The log of a shim: what it writes to the `log` fifo of its bundle, line by line. */
export class ShimLog {
  readonly #reader: FifoReader;
  readonly #keeper: number;
  readonly #ended = deferred();
  #closing: Promise<void> | undefined;

  private constructor(file: string, onLine: (line: string) => void) {
    this.#reader = openFifoReader(file);
    // A writer of our own, so that a shim that opens the fifo only for each line does not end the reading.
    this.#keeper = openSync(file, constants.O_WRONLY | constants.O_NONBLOCK);
    void this.#read(onLine);
  }

  /** Makes the fifo where it is missing, and reads it from now on: a shim waits in `open` for a reader. */
  static async open(bundle: string, onLine: (line: string) => void): Promise<ShimLog> {
    const file = path.join(bundle, "log");
    const there = await lstat(file).then(
      () => true,
      () => false,
    );
    if (!there) await makeFifos([file]);
    return new ShimLog(file, onLine);
  }

  /** Ends the reading once all writers are gone and all lines were read, and after half a second in any case. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    closeSync(this.#keeper);
    await within(this.#ended.promise, DRAIN_MS, "the end of the log").catch(() => {});
    this.#reader.close();
  }

  async #read(onLine: (line: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for await (const chunk of this.#reader) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) onLine(line);
        if (rest.length >= MAX_LINE) {
          onLine(rest);
          rest = "";
        }
      }
    } catch {
      // The log is for people; what cannot be read of it stops nothing.
    }
    if (rest !== "") onLine(rest);
    this.#ended.resolve();
  }
}
