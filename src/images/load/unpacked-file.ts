import fs from "node:fs";
import path from "node:path";
import { StatusCode, StatusError } from "../../base/status.ts";
import { makeDirectory, onFile, readPieces, uniqueName } from "../files.ts";
import { decompressed } from "../unpack/decompress.ts";

/** What becomes of an archive that is packed, while it is being read. */
export interface UnpackOptions {
  /** Where it is unpacked to, by a name that is gone at once. */
  readonly directory: string;
  /** It is refused where it is larger than that unpacked. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

type FileHandle = fs.promises.FileHandle;

/**
 * Opens an archive as a file that can be read from anywhere. One that is packed by gzip or zstd, which shows in how it
 * begins, is unpacked into a file that has no name, so that nothing is left of it whatever happens.
 */
export async function openUnpacked(place: string, options: UnpackOptions): Promise<FileHandle> {
  const packed = await onFile("open", place, () => fs.promises.open(place, "r"));
  try {
    const { bytesRead, buffer } = await onFile("read", place, () => packed.read(Buffer.alloc(6), 0, 6, 0));
    const magic = buffer.subarray(0, bytesRead).toString("hex");
    refuseUnknown(place, magic);
    if (!/^(1f8b|28b52ffd|5[0-9a-f]2a4d18)/.test(magic)) return packed;
  } catch (thrown) {
    await packed.close();
    throw thrown;
  }
  try {
    return await unpack(place, packed, options);
  } finally {
    await packed.close();
  }
}

const UNSUPPORTED: readonly (readonly [magic: string, name: string])[] = [
  ["fd377a585a00", "xz"],
  ["425a68", "bzip2"],
  ["504b0304", "zip"],
];

function refuseUnknown(place: string, magic: string): void {
  const [, name] = UNSUPPORTED.find(([begin]) => magic.startsWith(begin)) ?? [];
  if (name === undefined) return;
  throw new StatusError(StatusCode.unimplemented, `${place} is packed by ${name}, which is not supported`);
}

async function unpack(place: string, packed: FileHandle, options: UnpackOptions): Promise<FileHandle> {
  const { directory, maxBytes, signal } = options;
  const file = path.join(directory, `load.${uniqueName()}.tmp`);
  await makeDirectory(directory);
  const handle = await onFile("write", file, () => fs.promises.open(file, "wx+", 0o600));
  try {
    await onFile("remove", file, () => fs.promises.unlink(file));
    let total = 0;
    for await (const piece of decompressed(readPieces(packed, 0))) {
      signal.throwIfAborted();
      total += piece.length;
      if (total > maxBytes) throw tooLarge(place, maxBytes);
      await onFile("write", directory, () => handle.writeFile(piece));
    }
    return handle;
  } catch (thrown) {
    await handle.close();
    throw nameArchive(place, thrown);
  }
}

function tooLarge(place: string, maxBytes: number): StatusError {
  return new StatusError(StatusCode.resourceExhausted, `${place} is larger than ${maxBytes} bytes unpacked`);
}

/** Damage is told of the archive, as its reader does not know it. */
function nameArchive(place: string, thrown: unknown): StatusError {
  const { code, message } = StatusError.from(thrown);
  if (code !== StatusCode.dataLoss) return StatusError.from(thrown);
  return new StatusError(code, `${place}: ${message}`, { cause: thrown });
}
