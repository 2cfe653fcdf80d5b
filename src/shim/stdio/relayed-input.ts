import fs from "node:fs";
import { errnoOf } from "../../base/files.ts";
import type { Logger } from "../../base/logger.ts";
import { hasCode, StatusCode } from "../../base/status.ts";
import { type DescriptorReader, readDescriptor } from "../../linux/descriptor-reader.ts";
import { DescriptorWriter } from "../../linux/descriptor-writer.ts";
import { openInputFifo } from "../../linux/fifo.ts";
import type { Pipe } from "../../linux/stream-calls.ts";
import type { Input } from "./input.ts";
import { type RelayEnd, withRelayPipe } from "./relay-pipe.ts";
import { fieldsOf, type StdioHost, type StdioOwner } from "./stdio.ts";

/** Opens a fifo, and a pipe that it is relayed to; an error leaves neither open. */
export async function openRelayedInput(host: StdioHost, path: string, owner: StdioOwner): Promise<Input> {
  const { keep, child } = openInputFifo(path);
  return relayInput(host, { fd: child, keep }, owner);
}

/** Makes a pipe that a process's input is relayed to; an error leaves nothing open, the source neither. */
export function relayInput(host: StdioHost, source: RelayEnd, owner: StdioOwner): Promise<Input> {
  const logger = host.logger.child(fieldsOf(owner));
  return withRelayPipe(host, source, "read", owner, (pipe) => new RelayedInput(logger, source, pipe));
}

/** The input of a process, relayed to a pipe. It ends where its source does, or when nobody reads the pipe any more. */
class RelayedInput implements Input {
  readonly childFd: number;
  readonly #reader: DescriptorReader;
  readonly #writer: DescriptorWriter;
  #kept: number | undefined;

  constructor(logger: Logger, source: RelayEnd, pipe: Pipe) {
    this.childFd = pipe.read;
    this.#kept = source.keep;
    this.#reader = readDescriptor(source.fd);
    this.#writer = new DescriptorWriter(pipe.write);
    void this.#relay(logger);
  }

  end(): void {
    if (this.#kept !== undefined) fs.closeSync(this.#kept);
    this.#kept = undefined;
  }

  close(): void {
    this.end();
    this.#reader.close();
    this.#writer.close();
  }

  async #relay(logger: Logger): Promise<void> {
    try {
      for await (const data of this.#reader) await this.#writer.write(data);
    } catch (err) {
      if (errnoOf(err) === "EPIPE" || hasCode(err, StatusCode.cancelled)) return;
      logger.error("a process's input could not be passed on", { err });
    } finally {
      this.#writer.close();
      this.#reader.close();
    }
  }
}
