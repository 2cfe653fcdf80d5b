import fs from "node:fs";
import type { Logger } from "../../base/logger.ts";
import { type DescriptorReader, readDescriptor } from "../../linux/descriptor-reader.ts";
import { DescriptorWriter } from "../../linux/descriptor-writer.ts";
import { type FifoEnds, openOutputFifo } from "../../linux/fifo.ts";
import type { Pipe } from "../../linux/stream-calls.ts";
import { own } from "../task/own.ts";
import { Passing } from "../task/passing.ts";
import type { Output, OutputStream } from "./output.ts";
import { fieldsOf, type StdioHost, type StdioOwner } from "./stdio.ts";

/** Opens a fifo, and a pipe from which it is relayed; an error leaves neither open. */
export async function openRelayedOutput(
  host: StdioHost,
  file: string,
  streams: readonly OutputStream[],
  owner: StdioOwner,
): Promise<Output> {
  const calls = host.libc.streams;
  const fifo = openOutputFifo(file);
  const opened = [fifo.keep, fifo.child];
  try {
    const pipe = calls.pipe();
    opened.push(pipe.read, pipe.write);
    await own([pipe.write], owner);
    for (const fd of [pipe.read, fifo.child]) calls.setNonBlocking(fd);
    const logger = host.logger.child(fieldsOf(owner));
    return new RelayedOutput(logger, { fifo, pipe, streams });
  } catch (err) {
    for (const fd of opened) fs.closeSync(fd);
    throw err;
  }
}

/**
 * The output of an exec to a fifo, relayed from a pipe. An exec may leave children that live as long as the
 * container and have its output open. Who follows that output must see its end when the exec is deleted, and a
 * fifo ends only when nobody has it open to write: so nobody has but the shim. The children go on; what they
 * write after that is read and dropped.
 */
class RelayedOutput implements Output {
  readonly childFds: Output["childFds"];
  readonly #reader: DescriptorReader;
  readonly #writer: DescriptorWriter;
  readonly #relayed: Promise<void>;
  #kept: number | undefined;

  constructor(
    logger: Logger,
    ends: { readonly fifo: FifoEnds; readonly pipe: Pipe; readonly streams: readonly OutputStream[] },
  ) {
    const { fifo, pipe, streams } = ends;
    this.childFds = Object.fromEntries(streams.map((stream) => [stream, pipe.write]));
    this.#kept = fifo.keep;
    this.#reader = readDescriptor(pipe.read);
    this.#writer = new DescriptorWriter(fifo.child);
    this.#relayed = this.#relay(logger);
  }

  finished(): Promise<void> {
    return this.#relayed;
  }

  async close(): Promise<void> {
    this.#writer.close();
    if (this.#kept !== undefined) fs.closeSync(this.#kept);
    this.#kept = undefined;
  }

  async #relay(logger: Logger): Promise<void> {
    const passing = new Passing(this.#writer, (err) =>
      logger.error("an exec's output is dropped from now on", { err }),
    );
    try {
      for await (const data of this.#reader) await passing.pass(data);
    } catch (err) {
      logger.error("an exec's output could not be read", { err });
    } finally {
      this.#writer.close();
      this.#reader.close();
    }
  }
}
