import fs from "node:fs";
import path from "node:path";
import type { FromSchema, JSONSchema } from "json-schema-to-ts";
import { sleep } from "../base/deadline.ts";
import { errnoOf, readTextFile, writeFileAtomically } from "../base/files.ts";
import { jsonReader } from "../base/json.ts";
import { RELEASE_MODES } from "../base/release-mode.ts";
import { sha256 } from "../base/sha256.ts";
import { hasCode, StatusCode, StatusError } from "../base/status.ts";
import { fsError } from "../linux/errno.ts";
import { isSameLiveProcess } from "../linux/process-stat.ts";
import { BACKING_KINDS } from "./backing.ts";
import { runFolder } from "./run-directory.ts";

const pendingSchema = {
  type: "object",
  properties: {
    namespace: { type: "string" },
    id: { type: "string" },
    mode: { enum: RELEASE_MODES },
    kind: { enum: BACKING_KINDS },
    mountPoint: { type: "string" },
    /** The mount's number in mountinfo, and `major:minor` of its file system: who has a copy is found by that. */
    mountId: { type: "integer" },
    mounted: { type: "string" },
    /** The upper directory, the device, or what else it was made of. */
    source: { type: "string" },
    key: { type: "string" },
    /** `major:minor` of the file system that is written to; empty where that is not known. */
    device: { type: "string" },
    since: { type: "string" },
    helper: {
      type: "object",
      properties: {
        pid: { type: "integer", minimum: 1 },
        /** Clock ticks since boot. */
        startTime: { type: "integer", minimum: 0 },
      },
      required: ["pid", "startTime"],
    },
  },
  required: [
    "namespace",
    "id",
    "mode",
    "kind",
    "mountPoint",
    "mountId",
    "mounted",
    "source",
    "device",
    "since",
    "helper",
  ],
} as const satisfies JSONSchema;

/** A mount that has left the tree, or is about to, and that a helper still holds. */
export type PendingRelease = FromSchema<typeof pendingSchema>;

const reader = jsonReader(pendingSchema, StatusCode.internal);

/** An entry has a few hundred bytes and two paths at most. */
const MAX_ENTRY_BYTES = 64 << 10;
/** How often somebody who waits looks again: processes of others are not announced. */
const LOOK_MS = 20;

/**
 * The releases that are under way on this host: one small file each in the run directory, written before the rootfs
 * is detached. A file counts only while its helper lives, by pid and start time and not as a zombie, so that
 * whatever ends early leaves nothing that anybody would believe.
 */
export class PendingReleases {
  readonly #runDirectory: string;

  constructor(runDirectory: string) {
    this.#runDirectory = runDirectory;
  }

  /** Writes an entry down; the function removes it, which whoever sees the helper end should do. */
  add(release: PendingRelease): () => void {
    const folder = runFolder(this.#runDirectory, "pending");
    const { key, mountPoint, mountId, helper } = release;
    sweep(folder);
    const file = path.join(folder, `${nameOf(key ?? mountPoint)}.${helper.pid}.${mountId}.json`);
    writeFileAtomically(file, JSON.stringify(release));
    return () => fs.rmSync(file, { force: true });
  }

  /**
   * Those that are under way, the oldest first. It changes nothing, as whoever looks may be in a pid namespace
   * where no helper is to be seen. A run directory that cannot be read is an error; one that is not there is empty.
   */
  list(): PendingRelease[] {
    const folder = path.join(this.#runDirectory, "pending");
    const files = namesIn(folder).map((name) => path.join(folder, name));
    return files.flatMap((file) => parseLive(file) ?? []).sort(byAge);
  }

  /** The oldest that holds one of these, if any; what is left of others is removed on the way. */
  find(keys: readonly string[]): PendingRelease | undefined {
    const wanted = new Set(keys.map(nameOf));
    const folder = path.join(this.#runDirectory, "pending");
    const names = readableNamesIn(folder).filter((name) => wanted.has(name.split(".")[0] ?? ""));
    return names.flatMap((name) => readOrRemove(path.join(folder, name)) ?? []).sort(byAge)[0];
  }

  /**
   * Resolves when no release holds any of these; `unavailable` past the limit, naming what is held, since when and
   * by which process. `onWait` is told once if there is anything to wait for.
   */
  async waitUntilFree(
    keys: readonly string[],
    {
      limitMs,
      signal,
      onWait,
    }: { limitMs: number; signal?: AbortSignal; onWait?: (one: PendingRelease) => void },
  ): Promise<void> {
    // Not the time of day, which somebody may set.
    const giveUp = performance.now() + limitMs;
    for (let first = true; ; first = false) {
      const holder = this.find(keys);
      if (holder === undefined) return;
      if (first) onWait?.(holder);
      if (performance.now() >= giveUp) throw stillHeld(holder, limitMs);
      await sleep(LOOK_MS, signal);
    }
  }
}

/** The name of what a key stands for, in the names of files. */
function nameOf(key: string): string {
  return sha256(key).slice(0, 32);
}

/** How long a release has been under way, in milliseconds. */
export function ageOf({ since }: PendingRelease): number {
  return Math.max(0, Date.now() - Date.parse(since));
}

function stillHeld(holder: PendingRelease, limitMs: number): StatusError {
  const { source, helper, id } = holder;
  const age = Math.round(ageOf(holder) / 1000);
  const message =
    `${source} is still being released, for ${age} s, by pid ${helper.pid} (the rootfs of ${id}): ` +
    `waited ${limitMs} ms for its data to be written`;
  return new StatusError(StatusCode.unavailable, message);
}

function byAge(a: PendingRelease, b: PendingRelease): number {
  return Date.parse(a.since) - Date.parse(b.since);
}

function readOrRemove(file: string): PendingRelease | undefined {
  // Most are left by shims that ended before their helpers: to read one would take a millisecond of a Create.
  const release = isHelperGone(file) ? undefined : parseLive(file);
  if (release === undefined) fs.rmSync(file, { force: true });
  return release;
}

/** What a file says while its helper lives. */
function parseLive(file: string): PendingRelease | undefined {
  const release = parse(file);
  if (release === undefined) return undefined;
  return isSameLiveProcess(release.helper.pid, release.helper.startTime) ? release : undefined;
}

/**
 * Anything unreadable in this folder, which is ours alone, is a leftover of a full or failing file system. Where the
 * system refuses to open it, for want of descriptors, say, it may be as good as any: that is the caller's error.
 */
function parse(file: string): PendingRelease | undefined {
  try {
    const text = readTextFile(file, MAX_ENTRY_BYTES);
    return text === undefined ? undefined : reader.parse(text, file);
  } catch (thrown) {
    if (thrown instanceof StatusError && errnoOf(thrown.cause) !== undefined) throw thrown;
    return undefined;
  }
}

/**
 * Removes what shims left that ended before their helpers, as most do: nobody else looks for a source that never
 * comes back. The pid in the name is enough for that; one that is another process's by now has its turn later.
 */
function sweep(folder: string): void {
  for (const name of readableNamesIn(folder)) {
    const file = path.join(folder, name);
    if (isHelperGone(file)) fs.rmSync(file, { force: true });
  }
}

/** Whether the pid in a file's name is no process's any longer. */
function isHelperGone(file: string): boolean {
  return !fs.existsSync(`/proc/${path.basename(file).split(".")[1]}`);
}

/** The files of a folder that are written to their end; none where there is no folder. */
function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch (thrown) {
    const err = fsError(`read ${folder}`, thrown);
    if (hasCode(err, StatusCode.notFound)) return [];
    throw err;
  }
}

/** Where no shim can read there is nothing to wait for, as none could write there; a want of descriptors passes. */
function readableNamesIn(folder: string): string[] {
  try {
    return namesIn(folder);
  } catch (err) {
    if (hasCode(err, StatusCode.resourceExhausted)) throw err;
    return [];
  }
}
