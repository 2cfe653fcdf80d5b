import fs from "node:fs";
import { errnoOf } from "../../base/files.ts";
import type { Logger } from "../../base/logger.ts";
import { hasCode, StatusCode, StatusError } from "../../base/status.ts";
import { type DescriptorReader, readDescriptor } from "../../linux/descriptor-reader.ts";
import { DescriptorWriter } from "../../linux/descriptor-writer.ts";
import type { StreamCalls, WindowSize } from "../../linux/stream-calls.ts";
import { Passing } from "../task/passing.ts";

/** What a terminal types where its user says that there is no more (its VEOF character, unless it was changed). */
const END_OF_INPUT = new Uint8Array([4]);

/** What a relay goes between. */
export interface RelayEnds {
  readonly master: number;
  /** Where input comes from; undefined for nowhere. */
  readonly input: number | undefined;
  /** Where output goes; undefined for nowhere: it is read all the same, so that nobody waits for that. */
  readonly output: number | undefined;
}

/** The descriptors of one terminal's master, each with a use of its own, and one of the terminal itself. */
interface Masters {
  readonly master: number;
  readonly toRead: number;
  readonly toWrite: number;
  readonly peer: number | undefined;
}

/**
 * Starts to relay. The descriptors are the relay's from now on; where this throws, all but the master, which is
 * closed, are still the caller's.
 */
export function startRelay(calls: StreamCalls, logger: Logger, ends: RelayEnds): TerminalRelay {
  const fds = [ends.master];
  const keep = (fd: number) => {
    fds.push(fd);
    return fd;
  };
  try {
    // With a terminal alone: the module brings those of sockets and streams with it.
    const { isatty } = require("node:tty") as typeof import("node:tty");
    if (!isatty(ends.master)) {
      throw new StatusError(StatusCode.unavailable, "what the runtime has handed over is not a terminal");
    }
    for (const fd of [ends.master, ends.input, ends.output]) if (fd !== undefined) calls.setNonBlocking(fd);
    const toRead = keep(calls.duplicate(ends.master));
    const toWrite = keep(calls.duplicate(ends.master));
    const masters = { master: ends.master, toRead, toWrite, peer: openPeer(calls, logger, ends.master) };
    return new TerminalRelay(calls, logger, { ...ends, ...masters });
  } catch (err) {
    for (const fd of fds) fs.closeSync(fd);
    throw err;
  }
}

/**
 * While the terminal is open here as well, it does not end before the process has: programs close it and open it
 * again. With a kernel that has no such call (before 4.13) it ends the first time.
 */
function openPeer(calls: StreamCalls, logger: Logger, master: number): number | undefined {
  try {
    return calls.openPeer(master);
  } catch (err) {
    logger.warn("a terminal that is closed for a while will have ended", { err });
    return undefined;
  }
}

/**
 * Copies between a terminal's master and the ends of its streams. One chunk at a time is under way in each
 * direction: who does not read holds up who writes, and nobody else.
 */
export class TerminalRelay {
  /** Resolves when all output was passed on, or will not be any more; the output's end is closed then. */
  readonly outputEnded: Promise<void>;
  readonly #calls: StreamCalls;
  readonly #logger: Logger;
  readonly #reader: DescriptorReader;
  readonly #input: DescriptorReader | undefined;
  readonly #typing: DescriptorWriter;
  readonly #output: DescriptorWriter | undefined;
  #master: number | undefined;
  #peer: number | undefined;

  constructor(calls: StreamCalls, logger: Logger, ends: RelayEnds & Masters) {
    this.#calls = calls;
    this.#logger = logger;
    this.#master = ends.master;
    this.#peer = ends.peer;
    this.#reader = readDescriptor(ends.toRead);
    this.#typing = new DescriptorWriter(ends.toWrite);
    this.#input = ends.input === undefined ? undefined : readDescriptor(ends.input);
    this.#output = ends.output === undefined ? undefined : new DescriptorWriter(ends.output);
    this.outputEnded = this.#passOutput();
    void this.#passInput(this.#input);
  }

  /** Sets the terminal's size; nothing once the relay was stopped. */
  resize(size: WindowSize): void {
    if (this.#master !== undefined) this.#calls.setWindowSize(this.#master, size);
  }

  /**
   * From now on the output ends when nobody else has the terminal open, and also where children that the process has
   * left still do: as soon as there is nothing to be read, which the process itself wrote before.
   */
  processEnded(): void {
    this.#closePeer();
    this.#reader.finish();
    // Its reader may be away for as long as nobody deletes it.
    this.#output?.slowDown();
  }

  /** Drops what was not passed on, and closes everything; repeatable. */
  stop(): void {
    this.#closePeer();
    this.#reader.close();
    this.#typing.close();
    this.#input?.close();
    this.#output?.close();
    if (this.#master !== undefined) fs.closeSync(this.#master);
    this.#master = undefined;
  }

  #closePeer(): void {
    if (this.#peer !== undefined) fs.closeSync(this.#peer);
    this.#peer = undefined;
  }

  async #passOutput(): Promise<void> {
    const output = new Passing(this.#output, (err) =>
      this.#logger.error("a terminal's output is dropped while it cannot be written", { err }),
    );
    try {
      for await (const data of this.#reader) await output.pass(data);
    } catch (err) {
      // How a terminal ends that nobody has open any more.
      if (errnoOf(err) !== "EIO") this.#logger.error("a terminal's output could not be read", { err });
    } finally {
      this.#output?.close();
      this.#reader.close();
    }
  }

  async #passInput(input: DescriptorReader | undefined): Promise<void> {
    if (input === undefined) return;
    try {
      for await (const data of input) await this.#typing.write(data);
      await this.#typing.write(END_OF_INPUT);
    } catch (err) {
      if (errnoOf(err) === "EIO" || hasCode(err, StatusCode.cancelled)) return;
      this.#logger.error("a terminal's input could not be passed on", { err });
    } finally {
      input.close();
    }
  }
}
