import fs from "node:fs";
import path from "node:path";
import { sleep } from "../base/deadline.ts";
import { errnoOf } from "../base/files.ts";
import { isSameLiveProcess, readProcessStat } from "../linux/process-stat.ts";
import { ifThere, makeDirectory, onFile, removeFile, uniqueName } from "./files.ts";

/** Who holds a lock. */
export interface Owner {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly startTime: number;
  /** Which of its locks: no two are ever called alike. */
  readonly name: string;
  /** The boot of the kernel, as a lock may lie on a disk. */
  readonly boot: string;
}

/** The owner of a file that says nothing: no process has such a pid. */
const NOBODY: Owner = { pid: 0x7fff_ffff, startTime: 0, name: "0", boot: "" };
/** How often somebody who waits looks again: processes of others are not announced. */
export const LOOK_MS = 20;

/**
 * A lock between processes: a symlink that its owner makes, which fails where there is one, and removes at the end.
 * What it says instead of a target names a process by pid and start time, and one whose process has ended is no lock
 * any more. All who use it must see each other's processes: they are of one pid namespace. A link so short has no data
 * on the disk: a file's would have to be written before the file could be removed, and with it its owner be kept from
 * ending, while the disk is being synced.
 *
 * Whoever finds a dead owner's file must first hold a second lock of the same kind, named after that very owner, and
 * look again: so of several who found it one removes it, and none removes what a new owner has put there since.
 */
export class Lock {
  readonly #file: string;

  /** @param file where it is; its directory is made */
  constructor(file: string) {
    this.#file = file;
  }

  /** Takes the lock and resolves to this owner; or to the living one who has it, by whom it was not taken. */
  async take(): Promise<{ readonly owner: Owner; readonly isOurs: boolean }> {
    const owner = self();
    for (;;) {
      if (await putInPlace(this.#file, owner)) return { owner, isOurs: true };
      const other = await this.holder();
      if (other !== undefined) return { owner: other, isOurs: false };
    }
  }

  /** Takes the lock as soon as nobody has it; rejects with the signal's reason when that comes first. */
  async takeInTurn(signal?: AbortSignal): Promise<Owner> {
    for (;;) {
      signal?.throwIfAborted();
      const { owner, isOurs } = await this.take();
      if (isOurs) return owner;
      await sleep(LOOK_MS, signal);
    }
  }

  /** The living owner, if there is one; the file of a dead one is removed. */
  async holder(): Promise<Owner | undefined> {
    const owner = await this.#read();
    if (owner === undefined || isAlive(owner)) return owner;
    await this.#bury(owner);
    return undefined;
  }

  /** Gives back a lock that was taken. */
  async release(): Promise<void> {
    await removeFile(this.#file);
  }

  /** Removes the file of a dead owner unless somebody is at it, or has been. */
  async #bury(dead: Owner): Promise<void> {
    const turn = new Lock(`${this.#file}.after.${dead.name}`);
    const { isOurs } = await turn.take();
    if (!isOurs) return await sleep(LOOK_MS);
    try {
      if ((await this.#read())?.name === dead.name) await removeFile(this.#file);
    } finally {
      await turn.release();
    }
  }

  /** What is written there; what is no lock of ours is what is left of one. */
  async #read(): Promise<Owner | undefined> {
    return await ifThere("read", this.#file, async () => {
      try {
        return parseOwner(await fs.promises.readlink(this.#file));
      } catch (thrown) {
        if (errnoOf(thrown) === "EINVAL") return NOBODY;
        throw thrown;
      }
    });
  }
}

function parseOwner(text: string): Owner {
  const [, name, pid, startTime, boot] = /^((\d+)\.(\d+)\.\d+)@(\w+)$/.exec(text) ?? [];
  if (name === undefined || boot === undefined) return NOBODY;
  return { pid: Number(pid), startTime: Number(startTime), name, boot };
}

function self(): Owner {
  return {
    pid: process.pid,
    startTime: readProcessStat(process.pid)?.startTime ?? 0,
    name: uniqueName(),
    boot: bootId(),
  };
}

/** The beginning of what the kernel calls this boot; it is the same for all processes. */
function bootId(): string {
  return fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").replaceAll("-", "").slice(0, 16);
}

/** Whether the process of a lock's owner lives. */
function isAlive({ pid, startTime, boot }: Owner): boolean {
  return boot === bootId() && isSameLiveProcess(pid, startTime);
}

/** Makes the link of this owner; false where there is one already. */
async function putInPlace(file: string, { name, boot }: Owner): Promise<boolean> {
  await makeDirectory(path.dirname(file));
  return await onFile("write", file, async () => {
    try {
      await fs.promises.symlink(`${name}@${boot}`, file);
      return true;
    } catch (thrown) {
      if (errnoOf(thrown) === "EEXIST") return false;
      throw thrown;
    }
  });
}
