import fs from "node:fs";
import { sleep } from "../base/deadline.ts";
import { StatusCode, StatusError } from "../base/status.ts";

/** How long a refused write waits: one whose reader is only slow hardly, one whose reader stalls ever longer. */
const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 100;
/** The same where nobody sees it that it takes longer. */
const UNHURRIED_WAIT_MS = 1_000;

/** Writes to a descriptor that does not block; it owns it. Nothing is buffered here. */
export class DescriptorWriter {
  readonly #fd: number;
  readonly #closeFd: (fd: number) => void;
  #writing: Promise<unknown> = Promise.resolve();
  #open = true;
  #longestWaitMs = LONGEST_WAIT_MS;

  /** @param closeFd how it is closed, where that may take its time */
  constructor(fd: number, closeFd: (fd: number) => void = fs.closeSync) {
    this.#fd = fd;
    this.#closeFd = closeFd;
  }

  /**
   * Resolves when all of it was written, which waits for room. Only one write at a time. Rejects with what
   * the kernel says, and with `cancelled` where it is closed meanwhile.
   */
  async write(data: Uint8Array): Promise<void> {
    let rest = data;
    let wait = FIRST_WAIT_MS;
    while (rest.length > 0) {
      if (!this.#open) throw new StatusError(StatusCode.cancelled, "closed while it was written to");
      const writing = writeSome(this.#fd, rest);
      this.#writing = writing.catch(() => {});
      const written = await writing;
      rest = rest.subarray(written);
      if (written > 0) wait = FIRST_WAIT_MS;
      else {
        await sleep(wait);
        wait = Math.min(2 * wait, this.#longestWaitMs);
      }
    }
  }

  /** Has a write that is refused for long tried again once a second only. */
  slowDown(): void {
    this.#longestWaitMs = UNHURRIED_WAIT_MS;
  }

  /** Closes the descriptor, once a write of the kernel's that is under way has returned; repeatable. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    void this.#writing.then(() => this.#closeFd(this.#fd));
  }
}

/** Writes what there is room for; 0 bytes where there is none. Off the main thread: a file may wait for its disk. */
function writeSome(fd: number, data: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(fd, data, (err, written) => {
      if (err === null) resolve(written);
      else if (err.code === "EAGAIN") resolve(0);
      else reject(err);
    });
  });
}
