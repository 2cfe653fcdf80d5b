import type { Logger } from "../base/logger.ts";
import { Quiet } from "./quiet.ts";
import { areAwake, settleStreams, tellAwake } from "./socket-stream.ts";

/** How long no call may have ended before connections are settled, in milliseconds: a container's first calls come closer. */
const QUIET_MS = 2_000;

/** Settles this process's connections ({@link settleStreams}) once the calls have been quiet for a while. */
export class IdleSockets {
  readonly #quiet: Quiet;

  constructor(duplicate: (fd: number) => number, logger: Logger, quietMs = QUIET_MS) {
    this.#quiet = new Quiet(quietMs, () => {
      try {
        settleStreams(duplicate);
        this.#watchAwake();
      } catch (err) {
        logger.warn("connections could not be settled: this process wakes once a second", { err });
      }
    });
    tellAwake(() => this.#quiet.watch());
    this.#watchAwake();
  }

  /** To be told of each call that has ended. */
  ended(): void {
    this.#quiet.noise();
    this.#watchAwake();
  }

  /** Settles nothing any more. */
  stop(): void {
    tellAwake(undefined);
    this.#quiet.stop();
  }

  #watchAwake(): void {
    if (areAwake()) this.#quiet.watch();
  }
}
