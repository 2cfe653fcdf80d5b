import fs from "node:fs";
import { deferred } from "../../base/deferred.ts";
import type { Logger } from "../../base/logger.ts";
import { type DescriptorReader, readDescriptor } from "../../linux/descriptor-reader.ts";
import { DescriptorWriter } from "../../linux/descriptor-writer.ts";
import { openOutputFifo } from "../../linux/fifo.ts";
import type { Pipe } from "../../linux/stream-calls.ts";
import { Passing } from "../task/passing.ts";
import type { Output, OutputStream } from "./output.ts";
import { type RelayEnd, withRelayPipe } from "./relay-pipe.ts";
import { fieldsOf, type StdioHost, type StdioOwner } from "./stdio.ts";

/** What a relay passes on to. */
export interface RelayTarget extends RelayEnd {
  /** What log lines call it. */
  readonly path: string;
  /** How the descriptor is closed, where this may take its time. */
  readonly closeFd?: (fd: number) => void;
}

/** Opens a fifo, and a pipe from which it is relayed; an error leaves neither open. */
export async function openRelayedFifo(
  host: StdioHost,
  path: string,
  streams: readonly OutputStream[],
  owner: StdioOwner,
): Promise<Output> {
  const { keep, child } = openOutputFifo(path);
  return relayOutput(host, { path, fd: child, keep }, streams, owner);
}

/** Makes a pipe from which a process's output is relayed; an error leaves nothing open, the target neither. */
export function relayOutput(
  host: StdioHost,
  target: RelayTarget,
  streams: readonly OutputStream[],
  owner: StdioOwner,
): Promise<Output> {
  const logger = host.logger.child(fieldsOf(owner));
  const make = (pipe: Pipe) => new RelayedOutput(logger, { target, pipe, streams });
  return withRelayPipe(host, target, "write", owner, make);
}

/**
 * The output of a process, relayed from a pipe. That of an exec to a fifo always is, since it may leave children that
 * live as long as the container and have its output open. Who follows that output must see its end when the exec is
 * deleted, and a fifo ends only when nobody has it open to write: so nobody has but the shim. The children go on;
 * what they write after that is read and dropped.
 */
class RelayedOutput implements Output {
  readonly childFds: Output["childFds"];
  readonly #reader: DescriptorReader;
  readonly #writer: DescriptorWriter;
  readonly #begun = deferred<boolean>();
  readonly #relayed: Promise<void>;
  #kept: number | undefined;

  constructor(
    logger: Logger,
    ends: { readonly target: RelayTarget; readonly pipe: Pipe; readonly streams: readonly OutputStream[] },
  ) {
    const { target, pipe, streams } = ends;
    this.childFds = Object.fromEntries(streams.map((stream) => [stream, pipe.write]));
    this.#kept = target.keep;
    this.#reader = readDescriptor(pipe.read);
    this.#writer = new DescriptorWriter(target.fd, target.closeFd);
    this.#relayed = this.#begun.promise.then((begun) =>
      begun ? this.#relay(logger, target.path) : this.#stop(),
    );
  }

  begin(): void {
    this.#begun.resolve(true);
  }

  finished(): Promise<void> {
    return this.#relayed;
  }

  async close(): Promise<void> {
    this.#begun.resolve(false);
    this.#writer.close();
    if (this.#kept !== undefined) fs.closeSync(this.#kept);
    this.#kept = undefined;
  }

  async #relay(logger: Logger, to: string): Promise<void> {
    const passing = new Passing(this.#writer, (err) =>
      logger.error("a process's output is dropped while it cannot be written", { to, err }),
    );
    try {
      for await (const data of this.#reader) await passing.pass(data);
    } catch (err) {
      logger.error("a process's output could not be read", { to, err });
    } finally {
      this.#stop();
    }
  }

  #stop(): void {
    this.#writer.close();
    this.#reader.close();
  }
}
