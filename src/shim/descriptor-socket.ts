import fs from "node:fs";
import { type Deferred, deferred } from "../base/deferred.ts";
import { errnoOf } from "../base/files.ts";
import { type DescriptorReader, readDescriptor } from "../linux/descriptor-reader.ts";
import type { BunSocket, SocketEvents } from "./bun.ts";

/** How long it is until a refused write is tried again, in milliseconds: one whose reader stalls waits ever longer. */
const WAIT_MS = { first: 1, last: 100 };

/**
 * A connection by its descriptor, which does not block and is this one's from now on. It is read like a file, and reports
 * what a socket of the runtime's reports.
 */
export class DescriptorSocket<T> implements BunSocket<T> {
  data: T;
  readonly fd: number;
  readonly #events: SocketEvents<T>;
  readonly #reader: DescriptorReader;
  #open = true;
  /** While nothing is to be reported. */
  #paused: Deferred<void> | undefined;
  #waitMs = WAIT_MS.first;

  constructor(fd: number, data: T, events: SocketEvents<T>) {
    this.fd = fd;
    this.data = data;
    this.#events = events;
    this.#reader = readDescriptor(fd);
    void this.#read();
  }

  write(bytes: Uint8Array): number {
    if (!this.#open) return -1;
    const taken = this.#take(bytes);
    if (taken >= 0 && taken < bytes.length) this.#tellRoom(taken > 0);
    return taken;
  }

  end(): void {
    this.terminate();
  }

  terminate(): void {
    if (!this.#open) return;
    this.#open = false;
    this.resume();
    this.#reader.close();
    queueMicrotask(() => this.#events.close?.(this));
  }

  pause(): void {
    if (this.#open) this.#paused ??= deferred();
  }

  resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
  }

  #take(bytes: Uint8Array): number {
    try {
      return fs.writeSync(this.fd, bytes);
    } catch (err) {
      return errnoOf(err) === "EAGAIN" ? 0 : -1;
    }
  }

  /** Reports a little later that there is room, where there may be none yet: the next write tries. */
  #tellRoom(hasMoved: boolean): void {
    this.#waitMs = hasMoved ? WAIT_MS.first : Math.min(2 * this.#waitMs, WAIT_MS.last);
    setTimeout(() => {
      if (this.#open) this.#events.drain?.(this);
    }, this.#waitMs);
  }

  async #read(): Promise<void> {
    try {
      for await (const chunk of this.#reader) {
        while (this.#paused !== undefined) await this.#paused.promise;
        if (!this.#open) return;
        this.#events.data(this, chunk);
      }
      while (this.#paused !== undefined) await this.#paused.promise;
      if (this.#open) this.#events.end?.(this);
    } catch (err) {
      if (this.#open) this.#events.error?.(this, err as Error);
    } finally {
      this.terminate();
    }
  }
}
