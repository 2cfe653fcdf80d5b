import fs from "node:fs";
import path from "node:path";
import { isSameLiveProcess } from "../linux/process-stat.ts";
import { ContentStore } from "./content-store.ts";
import type { Digest } from "./digest.ts";
import { ifThere, namesIn, removeFile } from "./files.ts";
import { ImageStore } from "./image-store.ts";
import { Lock } from "./lock.ts";
import { sweepOutcomes } from "./outcome.ts";
import { findNeeded } from "./reachable.ts";
import { type Patience, withoutUsers } from "./users.ts";

/** The unpacked layers, as far as garbage is concerned. */
export interface UnpackedLayers {
  list(): Promise<readonly Digest[]>;
  /** Removes those of these that no container is on. */
  remove(chainIds: readonly Digest[]): Promise<unknown>;
}

/** What to do without. */
export interface GarbageOptions extends Patience {
  readonly layers?: UnpackedLayers;
}

/** What was removed. */
export interface Garbage {
  readonly blobs: readonly Digest[];
  readonly bytes: number;
  /** The unpacked layers that no image needs; those in use are among them. */
  readonly chainIds: readonly Digest[];
}

/** So long what came of a blob whose source broke waits for its next attempt. */
const PARTIAL_MS = 24 * 3600 * 1000;

/**
 * Removes the blobs that no image record refers to, directly or through a manifest, and has the layers removed that
 * none needs. It waits at most `limitMs` for those who fetch and unpack (`users.ts`), whose content no record refers
 * to yet, then it is `unavailable` and nothing is removed: what is left goes with the next call. Who begins to fetch
 * meanwhile waits for it.
 */
export async function collectGarbage(directory: string, options: GarbageOptions): Promise<Garbage> {
  return await withoutUsers(directory, options, async () => {
    const store = new ContentStore(directory);
    const records = await new ImageStore(directory).list();
    const needed = await findNeeded(
      store,
      records.map(({ target }) => target),
    );
    const blobs = (await store.list()).filter((digest) => !needed.blobs.has(digest));
    let bytes = 0;
    for (const digest of blobs) bytes += await store.remove(digest);
    const unpacked = (await options.layers?.list()) ?? [];
    const chainIds = unpacked.filter((chainId) => !needed.chainIds.has(chainId));
    await options.layers?.remove(chainIds);
    await sweep(directory);
    return { blobs, bytes, chainIds };
  });
}

/** Removes what processes have left behind that live no more. */
async function sweep(directory: string): Promise<void> {
  for (const folder of ["locks", "locks/users", "layers/locks", "images"]) {
    await sweepFolder(path.join(directory, folder));
  }
  const ingest = path.join(directory, "ingest");
  for (const name of await namesIn(ingest)) await removeIfOld(path.join(ingest, name));
}

/** Removes the locks of dead processes, which to look for is enough, and what they meant to tell others. */
async function sweepFolder(folder: string): Promise<void> {
  await sweepOutcomes(folder);
  for (const name of await namesIn(folder)) {
    const file = path.join(folder, name);
    if (isOfDeadProcess(name)) await removeFile(file);
    else if (LOCK.test(name)) await new Lock(file).holder();
  }
}

/** A lock, or that of whoever removes one. */
const LOCK = /\.lock(\.after\.[\d.]+)?$/;

/** Whether a file that passes between processes bears the name of one (`uniqueName`) that has ended. */
function isOfDeadProcess(name: string): boolean {
  const [, pid, startTime] = /\.(\d+)\.(\d+)\.\d+\.(?:tmp|waiting)$/.exec(name) ?? [];
  return pid !== undefined && !isSameLiveProcess(Number(pid), Number(startTime));
}

async function removeIfOld(file: string): Promise<void> {
  const stat = await ifThere("read", file, () => fs.promises.stat(file));
  if (stat !== undefined && Date.now() - stat.mtimeMs > PARTIAL_MS) await removeFile(file);
}
