import fs from "node:fs";
import path from "node:path";
import { readDescriptor } from "../descriptor-reader.ts";
import { fsError } from "../errno.ts";
import type { Libc } from "../libc.ts";
import { type CgroupDirs, readNow } from "./dirs.ts";
import { parseNamed } from "./values.ts";

/** What the kernel says of a container that was out of memory. */
export interface OomState {
  /** How many of its processes were killed for that. */
  readonly kills: number;
  /** It is out of memory, and its processes wait instead of being killed (v1, where the killer is turned off). */
  readonly waiting: boolean;
}

/**
 * Reads it on the spot: the kernel has both numbers at hand. Undefined where the groups are gone or without a memory
 * controller.
 */
export function readOomState(dirs: CgroupDirs): OomState | undefined {
  const values = parseNamed(readOomFile(dirs));
  const kills = values.get("oom_kill");
  if (kills === undefined) return undefined;
  const waiting = Number(values.get("oom_kill_disable") ?? 0) * Number(values.get("under_oom") ?? 0) > 0;
  return { kills: Number(kills), waiting };
}

function readOomFile(dirs: CgroupDirs): string | undefined {
  if (dirs.version === 2) return readNow(path.join(dirs.unified, "memory.events"));
  return dirs.controllers.memory && readNow(path.join(dirs.controllers.memory, "memory.oom_control"));
}

/** What ends a subscription; repeatable. */
export interface Closable {
  close(): void;
}

/**
 * Is told by the kernel when a container may be out of memory; nothing polls, and no thread waits. A notice can come
 * a moment before the kill that it is about, and one too many can come.
 */
export class OomNotices {
  readonly #libc: Libc;
  readonly #onNotice: () => void;
  #eventFd: number | undefined;
  #closeReader: (() => void) | undefined;

  constructor(libc: Libc, onNotice: () => void) {
    this.#libc = libc;
    this.#onNotice = onNotice;
  }

  /** Subscribes to a container's notices. A StatusError says why that cannot be. */
  subscribe(dirs: CgroupDirs): Closable {
    if (dirs.version === 2) return this.#watch(path.join(dirs.unified, "memory.events"));
    const { memory } = dirs.controllers;
    if (memory !== undefined) this.#register(memory);
    return { close: () => {} };
  }

  /** Ends all v1 subscriptions. */
  close(): void {
    this.#closeReader?.();
    this.#closeReader = undefined;
    this.#eventFd = undefined;
  }

  #watch(file: string): Closable {
    try {
      return fs.watch(file, () => this.#onNotice()).on("error", () => {});
    } catch (err) {
      throw fsError(`watch ${file}`, err);
    }
  }

  /** All groups share one eventfd: whose notice it was, their counters tell. The kernel forgets a group that goes. */
  #register(memory: string): void {
    const control = path.join(memory, "memory.oom_control");
    try {
      const fd = fs.openSync(control, "r");
      try {
        fs.writeFileSync(path.join(memory, "cgroup.event_control"), `${this.#shared()} ${fd}`, {
          flag: "r+",
        });
      } finally {
        fs.closeSync(fd);
      }
    } catch (err) {
      throw fsError(`register for ${control}`, err);
    }
  }

  #shared(): number {
    if (this.#eventFd === undefined) {
      this.#eventFd = this.#libc.eventfd();
      const reader = readDescriptor(this.#eventFd);
      this.#closeReader = () => reader.close();
      void this.#listen(reader);
    }
    return this.#eventFd;
  }

  async #listen(notices: AsyncIterable<unknown>): Promise<void> {
    for await (const _ of notices) this.#onNotice();
  }
}
