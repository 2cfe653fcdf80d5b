import { errnoOf } from "../base/files.ts";
import type { Libc, OpenFilesLimit } from "./libc.ts";

/**
 * The limit on open files: this process is to have as many as it may ever have, as each of a container's many execs takes
 * some; what it starts has the limit that this process was given, as there are programs that close whatever may be open.
 */
export class OpenFiles {
  readonly #libc: Libc;
  #given: OpenFilesLimit | undefined;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Starts a program. The limit is raised with the first: until then there is little that is open. */
  start<T>(start: () => T): T {
    this.#given ??= this.#libc.openFilesLimit();
    const { soft, hard } = this.#given;
    if (soft === hard) return start();
    this.#libc.setOpenFilesLimit({ soft, hard });
    try {
      return start();
    } catch (err) {
      if (errnoOf(err) !== "EMFILE") throw err;
    } finally {
      this.#libc.setOpenFilesLimit({ soft: hard, hard });
    }
    // This process has more open than it was given: better a program that may have more as well than none.
    return start();
  }

  /** Sets the limit that this process was given. */
  close(): void {
    if (this.#given !== undefined) this.#libc.setOpenFilesLimit(this.#given);
  }
}
