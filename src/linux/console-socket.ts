import fs from "node:fs";
import { sleep, within } from "../base/deadline.ts";
import type { StreamCalls } from "./stream-calls.ts";

/** How often it is looked whether the runtime has come. It has as a rule: it ends after it has sent. */
const LOOK_MS = 5;

/** The socket to which an OCI runtime sends the master of the terminal that it has made. */
export class ConsoleSocket {
  readonly path: string;
  readonly #calls: StreamCalls;
  readonly #fds: number[] = [];
  #open = true;

  /** Listens at a path in a directory that nobody else can enter: whoever connects is believed. */
  constructor(calls: StreamCalls, path: string) {
    this.#calls = calls;
    this.path = path;
    this.#fds.push(calls.listenUnix(path));
  }

  /**
   * The master, which is the caller's from now on. Rejects with `deadlineExceeded` where none has come within the
   * limit, with `unavailable` where something else has.
   */
  async receive(limitMs: number): Promise<number> {
    return await within(this.#receive(), limitMs, `the terminal for ${this.path}`);
  }

  /** Closes the socket and removes it; repeatable. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const fd of this.#fds) fs.closeSync(fd);
    fs.rmSync(this.path, { force: true });
  }

  async #receive(): Promise<number> {
    const [socket = -1] = this.#fds;
    const connection = await this.#first(() => this.#calls.accept(socket));
    this.#fds.push(connection);
    return await this.#first(() => this.#calls.receiveDescriptor(connection));
  }

  /** The first that is there; never settles once the socket is closed. */
  async #first(look: () => number | undefined): Promise<number> {
    while (this.#open) {
      const found = look();
      if (found !== undefined) return found;
      await sleep(LOOK_MS);
    }
    return new Promise(() => {});
  }
}
