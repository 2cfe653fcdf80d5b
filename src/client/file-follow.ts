import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { sleep } from "../base/deadline.ts";

/** How much is read at a time. */
const CHUNK_BYTES = 64 * 1024;

/** How soon it is looked again for what was added, in milliseconds: as people see "at once". */
const LOOK_MS = 50;

const NEWLINE = 10;

/** Which part of a file to read. */
export interface FollowOptions {
  /** How many of its last lines to begin with; all where it is missing. */
  readonly tail?: number | undefined;
  /**
   * Goes on with what is added until this says that nothing more comes. Where it is missing, what the file has at the
   * beginning is all, however quickly it grows.
   */
  readonly ended?: (() => boolean) | undefined;
}

/** The bytes of a file that only grows, in pieces of a bounded size, whatever its own is. */
export async function* followFile(file: string, options: FollowOptions = {}): AsyncGenerator<Uint8Array> {
  const handle = await open(file, "r");
  try {
    let { size } = await handle.stat();
    let at = options.tail === undefined ? 0 : await startOfTail(handle, size, options.tail);
    for (;;) {
      // Asked before the last reading, so that what came until then is in it.
      const last = options.ended?.() ?? true;
      if (options.ended !== undefined) ({ size } = await handle.stat());
      while (at < size) {
        const piece = await readAt(handle, at, Math.min(CHUNK_BYTES, size - at));
        if (piece.length === 0) break;
        at += piece.length;
        yield piece;
      }
      if (last) return;
      await sleep(LOOK_MS);
    }
  } finally {
    await handle.close();
  }
}

/** Where the last so many lines of a file of this size begin; an end without a newline is a line, too. */
async function startOfTail(handle: FileHandle, size: number, lines: number): Promise<number> {
  if (lines === 0) return size;
  let left = lines;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const piece = await readAt(handle, start, end - start);
    for (let at = piece.length - 1; at >= 0; at -= 1) {
      // The newline at the very end ends the last line and begins none.
      if (piece[at] !== NEWLINE || start + at === size - 1) continue;
      left -= 1;
      if (left === 0) return start + at + 1;
    }
    end = start;
  }
  return 0;
}

async function readAt(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}
