import fs from "node:fs";
import { hasCode, StatusCode } from "../base/status.ts";
import type { Libc } from "./libc.ts";

/** A hold on one process: its signals can never reach another that was given the same pid later. */
export class Pidfd {
  readonly #libc: Libc;
  #fd: number | undefined;

  private constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#fd = fd;
  }

  /** Takes hold of a process, which may be a zombie already; `notFound` where there is no such pid. */
  static open(libc: Libc, pid: number): Pidfd {
    return new Pidfd(libc, libc.pidfdOpen(pid));
  }

  /** The same; undefined where there are no pidfds: before Linux 5.3, and under old seccomp filters, which say EPERM. */
  static openIfKnown(libc: Libc, pid: number): Pidfd | undefined {
    try {
      return Pidfd.open(libc, pid);
    } catch (err) {
      if (hasCode(err, StatusCode.unimplemented) || hasCode(err, StatusCode.permissionDenied))
        return undefined;
      throw err;
    }
  }

  /** Sends a signal by number. A process that has ended is `notFound`, a number that is no signal `invalidArgument`. */
  signal(signal: number): void {
    this.#libc.pidfdSendSignal(this.#fd ?? -1, signal);
  }

  /** Lets go; once is enough. */
  close(): void {
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    this.#fd = undefined;
  }
}
