import fs from "node:fs";
import type { StreamCalls } from "../../linux/stream-calls.ts";

/** A logger's descriptors from 3 up, in this order. */
const NAMES = ["stdout", "stderr", "ready"] as const;
type Name = (typeof NAMES)[number];
type End = "read" | "write";

/** The pipes of a logger: two that it reads, and one that it writes to. Each end is closed once. */
export class LoggerPipes {
  readonly #ends = new Map<string, number>();

  constructor(calls: StreamCalls) {
    try {
      for (const name of NAMES) {
        const { read, write } = calls.pipe();
        this.#ends.set(`${name} read`, read).set(`${name} write`, write);
      }
    } catch (err) {
      this.close();
      throw err;
    }
  }

  /** The descriptor of an end, which stays ours to close; -1 once that was taken away or closed. */
  fd(name: Name, end: End): number {
    return this.#ends.get(`${name} ${end}`) ?? -1;
  }

  /** The descriptor of an end, which is the caller's to close from now on. */
  take(name: Name, end: End): number {
    const fd = this.fd(name, end);
    this.#ends.delete(`${name} ${end}`);
    return fd;
  }

  /** Closes all ends that have not been taken. */
  close(): void {
    for (const fd of this.#ends.values()) fs.closeSync(fd);
    this.#ends.clear();
  }
}
