import { Quiet } from "./quiet.ts";

/** When a server counts as used, and what follows where it is not. */
export interface UnusedOptions {
  readonly limitMs: number;
  /** Whether it has anything that somebody will ask for, whoever has called it last. */
  isNeeded(): boolean;
  onUnused(): void;
}

/**
 * Tells, once, that a server has had nothing to serve and no call for so long that nobody is about to use it: a daemon
 * that was killed while it started a container, or deleted one, does not know of its shim any more, or has no
 * container by which it would ask it to end.
 */
export class Unused {
  readonly #quiet: Quiet;

  constructor({ limitMs, isNeeded, onUnused }: UnusedOptions) {
    this.#quiet = new Quiet(limitMs, () => {
      if (isNeeded()) this.#quiet.watch();
      else onUnused();
    });
    this.#quiet.watch();
  }

  /** To be told of each connection, and of the beginning and the end of each call. */
  called(): void {
    this.#quiet.noise();
  }

  /** Tells nothing any more. */
  stop(): void {
    this.#quiet.stop();
  }
}
