import fs from "node:fs";
import path from "node:path";
import { StatusCode, StatusError } from "../base/status.ts";
import type { Descriptor } from "./descriptor.ts";
import { type Digest, digestOf, hexOf, isDigest } from "./digest.ts";
import { ifThere, makeDirectory, namesIn, readBytes, removeFile } from "./files.ts";
import { ingestBlob } from "./ingest.ts";
import { singleFlightBySource } from "./single-flight-by-source.ts";

/** Gives the bytes of a blob from an offset on; it should end when the signal aborts. */
export type BlobSource = (offset: number, signal: AbortSignal) => AsyncIterable<Uint8Array>;

/** Who wants a blob. */
export interface IngestOptions {
  readonly signal?: AbortSignal;
  /** What gives the bytes, such as a registry: an error is shared only with those who would ask the same. */
  readonly from?: string;
  /** Told how many bytes of it are there, from whomever they come. */
  readonly onBytes?: (total: number) => void;
}

/** How often somebody who waits for another's bytes counts them. */
const COUNT_MS = 100;

/**
 * Blobs by what they are: `blobs/sha256/HEX`, each whole and verified, and `ingest/HEX` while it comes in; all of it
 * for the owner's eyes only. Nothing is synced by itself (`files.ts`): what a power cut has damaged is found out by
 * its size before it is taken for there, small blobs by their digest, and then fetched again.
 */
export class ContentStore {
  readonly #directory: string;

  /** @param directory that of the images; it is made where it is missing */
  constructor(directory: string) {
    this.#directory = directory;
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.sizeOf(digest)) !== undefined;
  }

  /** How many bytes a blob has; undefined where it is not there. */
  async sizeOf(digest: Digest): Promise<number | undefined> {
    const file = this.#fileOf(digest);
    return (await ifThere("read", file, () => fs.promises.stat(file)))?.size;
  }

  /**
   * The bytes of a small blob, verified: `notFound` where it is not there, `resourceExhausted` where it has more than
   * `maxBytes`, `dataLoss` where it is damaged, and then it is removed.
   */
  async read(digest: Digest, maxBytes: number): Promise<Buffer> {
    const file = this.#fileOf(digest);
    const bytes = await readBytes(file, maxBytes);
    if (bytes === undefined) throw notFound(digest);
    if (digestOf(bytes) === digest) return bytes;
    await removeFile(file);
    throw new StatusError(
      StatusCode.dataLoss,
      `${file} was damaged, and is removed: it has to be fetched again`,
    );
  }

  /** A stream of a blob; `notFound` where it is not there. */
  async open(digest: Digest): Promise<NodeJS.ReadableStream> {
    const file = this.#fileOf(digest);
    const handle = await ifThere("read", file, () => fs.promises.open(file, "r"));
    if (handle === undefined) throw notFound(digest);
    return handle.createReadStream();
  }

  /**
   * Puts a blob in, from where an earlier attempt stopped, also one of a process that was killed; at once where it is
   * there already. It is verified while it streams: another size or digest is `dataLoss` that names both. Only one of
   * all who want the same blob on this host has its source asked; the others share its end, as of
   * {@link singleFlightBySource}. What came before a source broke is kept for the next attempt; where the disk is full or the
   * bytes are wrong nothing is.
   */
  async ingest(descriptor: Descriptor, source: BlobSource, options: IngestOptions = {}): Promise<void> {
    const { signal, from = "", onBytes } = options;
    const partial = path.join(this.#directory, "ingest", hexOf(descriptor.digest));
    if (await this.#isThere(descriptor)) return onBytes?.(descriptor.size);
    let isOurs = false;
    const work = async (flightSignal: AbortSignal) => {
      isOurs = true;
      if (await this.#isThere(descriptor)) return;
      const target = { partial, file: this.#fileOf(descriptor.digest) };
      await this.#makeDirectories();
      await ingestBlob(descriptor, target, {
        source,
        signal: flightSignal,
        onBytes: (total) => onBytes?.(total),
      });
    };
    const counting = setInterval(() => {
      if (!isOurs) countBytes(partial, onBytes);
    }, COUNT_MS);
    try {
      const locks = path.join(this.#directory, "locks");
      const flight = { key: `blob ${descriptor.digest}`, source: from };
      await singleFlightBySource(locks, flight, work, signal === undefined ? {} : { signal });
      onBytes?.(descriptor.size);
    } finally {
      clearInterval(counting);
    }
  }

  /** The digests of all blobs that are there. */
  async list(): Promise<Digest[]> {
    const names = await namesIn(path.join(this.#directory, "blobs/sha256"));
    return names.map((name) => `sha256:${name}`).filter(isDigest);
  }

  /** Removes a blob, and how many bytes that gave back; who reads it reads on. */
  async remove(digest: Digest): Promise<number> {
    const size = await this.sizeOf(digest);
    return (await removeFile(this.#fileOf(digest))) ? (size ?? 0) : 0;
  }

  async #isThere({ digest, size }: Descriptor): Promise<boolean> {
    return (await this.sizeOf(digest)) === size;
  }

  async #makeDirectories(): Promise<void> {
    for (const name of ["blobs/sha256", "ingest"]) await makeDirectory(path.join(this.#directory, name));
  }

  #fileOf(digest: Digest): string {
    return path.join(this.#directory, "blobs/sha256", hexOf(digest));
  }
}

/** Tells how many bytes another has of a blob so far, if it has begun. */
function countBytes(partial: string, onBytes: ((total: number) => void) | undefined): void {
  if (onBytes === undefined) return;
  fs.promises.stat(partial).then(
    ({ size }) => onBytes(size),
    () => {},
  );
}

function notFound(digest: Digest): StatusError {
  return new StatusError(StatusCode.notFound, `blob ${digest} is not there`);
}
