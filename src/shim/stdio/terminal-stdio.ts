import fs from "node:fs";
import path from "node:path";
import type { Logger } from "../../base/logger.ts";
import { ConsoleSocket } from "../../linux/console-socket.ts";
import type { WindowSize } from "../../linux/stream-calls.ts";
import { runFolder } from "../../rootfs/run-directory.ts";
import { Draining } from "./drain.ts";
import type { Input } from "./input.ts";
import { openInput } from "./open-input.ts";
import { openOutputs } from "./open-outputs.ts";
import { closeChildFds, type Output } from "./output.ts";
import { fieldsOf, type ProcessStdio, type StdioHost, type StdioOwner, type StdioPaths } from "./stdio.ts";
import { startRelay, type TerminalRelay } from "./terminal-relay.ts";

/** What is open before the runtime has made the terminal. */
interface Opened {
  readonly input: Input | undefined;
  readonly outputs: readonly Output[];
  readonly socket: ConsoleSocket;
}

/**
 * The streams of a process with a terminal. The runtime makes the terminal and sends its master; what comes in and
 * goes out is relayed between that and what the daemon has named. The shim keeps ends of its own of the daemon's
 * fifos, so that output waits for a reader and input does not end before CloseIO.
 */
export class TerminalStdio implements ProcessStdio {
  readonly paths: StdioPaths;
  readonly childFds: (number | "ignore")[] = ["ignore", "ignore", "ignore"];
  readonly #host: StdioHost;
  readonly #logger: Logger;
  readonly #opened: Opened;
  readonly #draining: Draining;
  #relay: TerminalRelay | undefined;
  #closed = false;
  #size: WindowSize | undefined;

  private constructor(host: StdioHost, owner: StdioOwner, paths: StdioPaths, opened: Opened) {
    this.#host = host;
    this.#logger = host.logger.child(fieldsOf(owner));
    this.paths = paths;
    this.#opened = opened;
    this.#draining = new Draining(host, owner, () => this.#passOn());
  }

  /** Opens what the paths name, and listens for the terminal; where one fails, nothing stays open. */
  static async open(host: StdioHost, paths: StdioPaths, owner: StdioOwner): Promise<TerminalStdio> {
    const socket = listen(host);
    let input: Input | undefined;
    try {
      input = await openInput(host, paths, owner);
      const outputs = await openOutputs(host, paths, owner);
      return new TerminalStdio(host, owner, paths, { input, outputs, socket });
    } catch (err) {
      if (input !== undefined) fs.closeSync(input.childFd);
      input?.close();
      socket.close();
      throw err;
    }
  }

  get consoleSocket(): string {
    return this.#opened.socket.path;
  }

  async handedOver(): Promise<void> {
    const { socket, input, outputs } = this.#opened;
    const master = await socket.receive(this.#host.settings.consoleMs);
    socket.close();
    const ends = { master, input: input?.childFd, output: outputs[0]?.childFds.stdout };
    this.#relay = startRelay(this.#host.libc.streams, this.#logger, ends);
    if (this.#size !== undefined) this.#relay.resize(this.#size);
  }

  /** A size that is set before there is a terminal is the one that it begins with. */
  resize(columns: number, rows: number): void {
    this.#size = { columns, rows };
    this.#relay?.resize(this.#size);
  }

  closeStdin(): void {
    this.#opened.input?.end();
  }

  processEnded(): void {
    this.#draining.begin();
  }

  async drained(): Promise<void> {
    await this.#draining.drained();
    // Whoever reads sees the end now, whatever still has the terminal open.
    this.#stop();
  }

  async close(): Promise<void> {
    this.#stop();
    this.#opened.input?.close();
    await Promise.all(this.#opened.outputs.map((output) => output.close()));
  }

  async #passOn(): Promise<void> {
    // An init's exit is told when all of its container have ended, so that this takes nobody's words away.
    this.#relay?.processEnded();
    await this.#relay?.outputEnded;
    await Promise.all(this.#opened.outputs.map((output) => output.finished()));
    this.#stop();
  }

  /** Closes all that there is on the way from and to the terminal, which is the relay's once there is one. */
  #stop(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#opened.socket.close();
    if (this.#relay !== undefined) this.#relay.stop();
    else closeEnds(this.#opened);
  }
}

function closeEnds({ input, outputs }: Opened): void {
  if (input !== undefined) fs.closeSync(input.childFd);
  closeChildFds(outputs);
}

/** Its directory is the shims' own, and its path has to be short. */
function listen({ libc, settings }: StdioHost): ConsoleSocket {
  const folder = runFolder(settings.runDirectory, "consoles");
  return new ConsoleSocket(
    libc.streams,
    path.join(folder, Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex")),
  );
}
