import { createHash, type Hash } from "node:crypto";
import fs from "node:fs";
import { abortable } from "../base/deadline.ts";
import { hasCode, StatusCode, StatusError } from "../base/status.ts";
import { fsError } from "../linux/errno.ts";
import type { Descriptor } from "./descriptor.ts";
import { onFile, readPieces, removeFile } from "./files.ts";

/** Where a blob grows, and where it is when it is whole. */
export interface IngestFiles {
  readonly partial: string;
  readonly file: string;
}

/** Where the bytes come from, and who wants to know. */
export interface Ingest {
  readonly source: (offset: number, signal: AbortSignal) => AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
  readonly onBytes: (total: number) => void;
}

/** What is in the partial file so far. */
interface Progress {
  readonly handle: fs.promises.FileHandle;
  readonly hash: Hash;
  size: number;
  /** Whether the disk has no room for more. */
  isFull: boolean;
}

/**
 * Brings a blob in as a file that is whole and verified, or not there. A partial file is gone on with; where that
 * turns out to be wrong, as after a power cut it may be, everything is fetched once more. Only one may be at it.
 */
export async function ingestBlob(blob: Descriptor, files: IngestFiles, ingest: Ingest): Promise<void> {
  while (!(await attempt(blob, files.partial, ingest)));
  await onFile("make", files.file, () => fs.promises.rename(files.partial, files.file));
}

/** False where what was there before may be to blame, and is removed. */
async function attempt(blob: Descriptor, partial: string, ingest: Ingest): Promise<boolean> {
  const handle = await onFile("open", partial, () => fs.promises.open(partial, "a+", 0o600));
  const progress: Progress = { handle, hash: createHash("sha256"), size: 0, isFull: false };
  let offset = 0;
  try {
    await takeUp(blob, partial, progress);
    offset = progress.size;
    await receive(blob, partial, progress, ingest);
    verify(blob, progress);
    return true;
  } catch (thrown) {
    const isWrong = hasCode(thrown, StatusCode.dataLoss);
    // Neither wrong bytes nor a file that fills the disk are of use to the next attempt.
    if (isWrong || progress.isFull) await removeFile(partial);
    if (isWrong && offset > 0) return false;
    throw thrown;
  } finally {
    await handle.close();
  }
}

/** Counts in what an earlier attempt left; what is longer than the blob is dropped. */
async function takeUp({ size }: Descriptor, partial: string, progress: Progress): Promise<void> {
  await onFile("read", partial, async () => {
    if ((await progress.handle.stat()).size > size) await progress.handle.truncate();
    for await (const chunk of readPieces(progress.handle, 0)) {
      progress.hash.update(chunk);
      progress.size += chunk.length;
    }
  });
}

/** Appends what the source gives until the blob is whole; how long the source takes to end does not matter then. */
async function receive(blob: Descriptor, partial: string, progress: Progress, ingest: Ingest): Promise<void> {
  const { source, signal, onBytes } = ingest;
  signal.throwIfAborted();
  onBytes(progress.size);
  if (progress.size === blob.size) return;
  const chunks = source(progress.size, signal)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value: chunk } = await abortable(chunks.next(), signal);
      if (done) return;
      if (progress.size + chunk.length > blob.size) throw tooLong(blob);
      await append(chunk, partial, progress);
      onBytes(progress.size);
    }
  } finally {
    // A source that hangs would not answer this before it goes on.
    chunks.return?.().catch(() => {});
  }
}

async function append(chunk: Uint8Array, partial: string, progress: Progress): Promise<void> {
  try {
    for (let at = 0; at < chunk.length; ) {
      at += (await progress.handle.write(chunk, at, chunk.length - at)).bytesWritten;
    }
  } catch (thrown) {
    const err = fsError(`cannot write ${partial}`, thrown);
    progress.isFull = err.code === StatusCode.resourceExhausted;
    throw err;
  }
  progress.hash.update(chunk);
  progress.size += chunk.length;
}

function verify({ digest, size }: Descriptor, progress: Progress): void {
  if (progress.size < size) throw damaged(`blob ${digest} has only ${progress.size} of its ${size} bytes`);
  const found = `sha256:${progress.hash.digest("hex")}`;
  if (found !== digest) throw damaged(`blob ${digest} is not what came under its name: that is ${found}`);
}

function tooLong({ digest, size }: Descriptor): StatusError {
  return damaged(`blob ${digest} has more than its ${size} bytes`);
}

function damaged(message: string): StatusError {
  return new StatusError(StatusCode.dataLoss, message);
}
