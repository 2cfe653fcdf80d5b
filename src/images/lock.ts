import fs from "node:fs";
import path from "node:path";
import type { FromSchema, JSONSchema } from "json-schema-to-ts";
import { sleep } from "../base/deadline.ts";
import { errnoOf } from "../base/files.ts";
import { jsonReader } from "../base/json.ts";
import { isSameLiveProcess, readProcessStat } from "../linux/process-stat.ts";
import { makeDirectory, onFile, readText, removeFile, uniqueName } from "./files.ts";

const ownerSchema = {
  type: "object",
  properties: {
    pid: { type: "integer", minimum: 1 },
    /** Clock ticks since boot. */
    startTime: { type: "integer", minimum: 0 },
    /** Which of its locks: no two are ever called alike. */
    name: { type: "string", pattern: "^[0-9.]+$" },
    /** The boot of the kernel, as a lock may lie on a disk. */
    boot: { type: "string" },
  },
  required: ["pid", "startTime", "name", "boot"],
} as const satisfies JSONSchema;

/** Who holds a lock. */
export type Owner = FromSchema<typeof ownerSchema>;

const reader = jsonReader(ownerSchema);

/** An owner is some numbers. */
const MAX_OWNER_BYTES = 4096;
/** The owner of a file that says nothing: no process has such a pid. */
const NOBODY: Owner = { pid: 0x7fff_ffff, startTime: 0, name: "0", boot: "" };
/** How often somebody who waits looks again: processes of others are not announced. */
export const LOOK_MS = 20;

/**
 * A lock between processes: a file that its owner links into place, which fails where there is one, and removes at
 * the end. It names a process by pid and start time, and one whose process has ended is no lock any more. All who
 * use it must see each other's processes: they are of one pid namespace.
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

  /** What is written in the file; a text that is none was half written when the power went. */
  async #read(): Promise<Owner | undefined> {
    const text = await readText(this.#file, MAX_OWNER_BYTES);
    if (text === undefined) return undefined;
    try {
      return reader.parse(text, this.#file);
    } catch {
      return NOBODY;
    }
  }
}

function self(): Owner {
  return {
    pid: process.pid,
    startTime: readProcessStat(process.pid)?.startTime ?? 0,
    name: uniqueName(),
    boot: bootId(),
  };
}

/** What the kernel calls this boot; it is the same for all processes. */
function bootId(): string {
  return fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

/** Whether the process of a lock's owner lives. */
function isAlive({ pid, startTime, boot }: Owner): boolean {
  return boot === bootId() && isSameLiveProcess(pid, startTime);
}

/** Links a file with this owner into place; false where there is one already. */
async function putInPlace(file: string, owner: Owner): Promise<boolean> {
  const temporary = `${file}.${owner.name}.tmp`;
  await makeDirectory(path.dirname(file));
  return await onFile("write", file, async () => {
    try {
      await fs.promises.writeFile(temporary, JSON.stringify(owner), { mode: 0o600 });
      await fs.promises.link(temporary, file);
      return true;
    } catch (thrown) {
      if (errnoOf(thrown) === "EEXIST") return false;
      throw thrown;
    } finally {
      await fs.promises.rm(temporary, { force: true });
    }
  });
}
