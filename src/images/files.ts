/**
 * The files of the image side. They lie on a disk, so that no call waits for it on the main thread; none is synced
 * by itself: whoever wants images to outlive a power cut syncs their file system as a whole, once.
 */
import fs from "node:fs";
import path from "node:path";
import { errnoOf } from "../base/files.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { fsError } from "../linux/errno.ts";
import { readProcessStat } from "../linux/process-stat.ts";

/** Runs something on a file; what node throws becomes a StatusError `cannot <action> <path>: <errno>`. */
export async function onFile<T>(action: string, file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw fsError(`cannot ${action} ${file}`, thrown);
  }
}

/** The same, but undefined where there is no such file. */
export async function ifThere<T>(
  action: string,
  file: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await onFile(action, file, work);
  } catch (thrown) {
    if (thrown instanceof StatusError && thrown.code === StatusCode.notFound) return undefined;
    throw thrown;
  }
}

/** Makes a directory, and those above it, that nobody but the owner can enter. */
export async function makeDirectory(directory: string): Promise<void> {
  await onFile("make", directory, () => makeWithParents(directory));
}

/** Node's own way of making the parents as well calls a full disk a missing file. */
async function makeWithParents(directory: string): Promise<void> {
  try {
    await fs.promises.mkdir(directory, { mode: 0o700 });
  } catch (thrown) {
    const code = errnoOf(thrown);
    if (code === "EEXIST" && (await fs.promises.stat(directory)).isDirectory()) return;
    if (code !== "ENOENT") throw thrown;
    await makeWithParents(path.dirname(directory));
    await makeWithParents(directory);
  }
}

/** The names in a directory; none where there is no directory. */
export async function namesIn(directory: string): Promise<string[]> {
  return (await ifThere("read", directory, () => fs.promises.readdir(directory))) ?? [];
}

/** Removes a file, if it is there; whether it was. */
export async function removeFile(file: string): Promise<boolean> {
  return (await ifThere("remove", file, () => fs.promises.unlink(file).then(() => true))) ?? false;
}

let made = 0;

/** A part of a file's name that no other process, and nobody else in this one, ever has. */
export function uniqueName(): string {
  made += 1;
  return `${process.pid}.${readProcessStat(process.pid)?.startTime ?? 0}.${made}`;
}

/** Writes a file (mode 0600) that a reader sees either as it was or as a whole; its directory is made. */
export async function writeAtomically(file: string, text: string): Promise<void> {
  const temporary = `${file}.${uniqueName()}.tmp`;
  await makeDirectory(path.dirname(file));
  await onFile("write", file, async () => {
    try {
      await fs.promises.writeFile(temporary, text, { mode: 0o600, flag: "wx" });
      await fs.promises.rename(temporary, file);
    } catch (thrown) {
      await fs.promises.rm(temporary, { force: true });
      throw thrown;
    }
  });
}

/** The text of a file; undefined where there is none, `resourceExhausted` where it is larger than `maxBytes`. */
export async function readText(file: string, maxBytes: number): Promise<string | undefined> {
  return (await readBytes(file, maxBytes))?.toString("utf8");
}

/** The bytes of a file; as of {@link readText}. */
export async function readBytes(file: string, maxBytes: number): Promise<Buffer | undefined> {
  return await ifThere("read", file, async () => {
    const handle = await fs.promises.open(file, "r");
    try {
      const { size } = await handle.stat();
      if (size > maxBytes) {
        throw new StatusError(StatusCode.resourceExhausted, `${file} is larger than ${maxBytes} bytes`);
      }
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  });
}

/** In how large pieces files are read: each costs a turn of the event loop. */
const PIECE_BYTES = 128 << 10;

/**
 * The bytes of an open file from a place on, up to an end or to that of the file. Who stops early may read on by the
 * same handle, other than with a stream, with which not every runtime leaves it open.
 */
export async function* readPieces(
  handle: fs.promises.FileHandle,
  from: number,
  end: number = Infinity,
): AsyncGenerator<Buffer, void, undefined> {
  for (let at = from; at < end; ) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, end - at));
    const { bytesRead } = await handle.read(piece, 0, piece.length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}
