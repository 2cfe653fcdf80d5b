import { deferred } from "../../base/deferred.ts";
import type { SocketEvents } from "../bun.ts";
import { type Lines, linesTo } from "./lines.ts";

/** Where a server that stands by hears those who ask for it: one at a time. Others are sent away at once. */
export class Desk {
  #first = deferred<Lines>();
  #current: Lines | undefined;
  #isOpen = true;

  /** What the listener is to tell. */
  readonly events: SocketEvents<Lines> = linesTo((lines) => {
    if (this.#current !== undefined || !this.#isOpen) return lines.end();
    this.#current = lines;
    this.#first.resolve(lines);
  });

  /** Resolves when somebody asks. */
  asking(): Promise<Lines> {
    return this.#first.promise;
  }

  /** Hears the next one. */
  next(): void {
    this.#current?.end();
    this.#current = undefined;
    this.#first = deferred<Lines>();
  }

  /** Hears nobody any more. */
  close(): void {
    this.#isOpen = false;
    this.#current?.end();
  }
}
