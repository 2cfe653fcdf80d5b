import fs from "node:fs";
import { type DescriptorReader, readDescriptor } from "../../src/linux/descriptor-reader.ts";

const { O_RDONLY, O_NONBLOCK } = fs.constants;

/** Has a fifo open from before anybody writes to it, as a daemon does, and reads it when it is asked to. */
export class FifoTap {
  readonly #reader: DescriptorReader;
  #ended: Promise<void> | undefined;
  /** What has come so far. */
  read = "";

  constructor(file: string) {
    this.#reader = readDescriptor(fs.openSync(file, O_RDONLY | O_NONBLOCK));
  }

  /** Begins to read; resolves at the end. */
  toEnd(): Promise<string> {
    this.#ended ??= this.#readAll();
    return this.#ended.then(() => this.read);
  }

  /** Stops reading, and closes the fifo. */
  close(): void {
    this.#reader.close();
  }

  async #readAll(): Promise<void> {
    for await (const chunk of this.#reader) this.read += Buffer.from(chunk).toString("latin1");
    this.#reader.close();
  }
}
