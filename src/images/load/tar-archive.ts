import type fs from "node:fs";
import path from "node:path";
import { StatusCode, StatusError } from "../../base/status.ts";
import { readPieces } from "../files.ts";
import type { TarEntry } from "../unpack/tar-entry.ts";
import { type ReadEntry, readTar } from "../unpack/tar-reader.ts";
import { type Archive, aboutEntry, cleanName } from "./archive.ts";
import { openUnpacked, type UnpackOptions } from "./unpacked-file.ts";

/** A file in an archive: where its bytes are, or the name of the file that it is linked to. */
type Place = { readonly at: number; readonly size: number } | { readonly target: string };

/** An image of a thousand layers has some thousand files. */
const MAX_ENTRIES = 100_000;
/** A link to a link is found in no archive that a program has written. */
const MAX_LINKS = 8;

/**
 * The files of a tar archive, which may be packed by gzip or zstd: such a one is first unpacked into a file that has
 * no name, so that nothing is left of it whatever happens. All entries are looked at before any is used; one that
 * leads out of the archive, or is a device, is refused by its name.
 */
export async function openTar(place: string, options: UnpackOptions): Promise<Archive> {
  const handle = await openUnpacked(place, options);
  try {
    const places = await indexOf(place, handle, options.signal);
    const find = (name: string) => follow(place, places, name);
    return {
      place,
      sizeOf: async (name) => find(name)?.size,
      read: (name, offset) => readEntry(place, name, find(name), { handle, offset }),
      close: () => handle.close(),
    };
  } catch (thrown) {
    await handle.close();
    throw thrown;
  }
}

type FileHandle = fs.promises.FileHandle;

/** Where the files of an archive are. Of several by one name the last counts, as when it is extracted. */
async function indexOf(place: string, handle: FileHandle, signal: AbortSignal): Promise<Map<string, Place>> {
  const places = new Map<string, Place>();
  let count = 0;
  const onEntry = ({ entry, at }: ReadEntry) => {
    count += 1;
    if (count > MAX_ENTRIES) {
      throw new StatusError(StatusCode.resourceExhausted, `${place} has more than ${MAX_ENTRIES} entries`);
    }
    const name = textOf(entry.name);
    const clean = cleanName(name);
    if (clean === undefined) throw aboutEntry(StatusCode.invalidArgument, place, name, "leads out of it");
    const found = placeOf(place, clean, entry, at);
    if (found !== undefined) places.set(clean, found);
  };
  await readEntries(place, handle, signal, onEntry);
  return places;
}

/** A name is bytes in the archive; those of blobs and documents are text. */
function textOf(name: string): string {
  return Buffer.from(name, "latin1").toString("utf8");
}

async function readEntries(
  place: string,
  handle: FileHandle,
  signal: AbortSignal,
  onEntry: (entry: ReadEntry) => void,
): Promise<void> {
  const pieces = async function* () {
    for await (const piece of readPieces(handle, 0)) {
      signal.throwIfAborted();
      yield piece;
    }
  };
  try {
    for await (const entry of readTar(pieces())) onEntry(entry);
  } catch (thrown) {
    signal.throwIfAborted();
    const { code, message } = StatusError.from(thrown);
    if (code !== StatusCode.dataLoss) throw thrown;
    throw new StatusError(StatusCode.invalidArgument, `${place} is not a whole tar archive: ${message}`, {
      cause: thrown,
    });
  }
}

function placeOf(place: string, name: string, entry: TarEntry, at: number): Place | undefined {
  const { kind, size } = entry;
  if (kind === "directory") return undefined;
  if (kind === "file") return { at, size };
  if (kind !== "hardlink" && kind !== "symlink") {
    throw aboutEntry(StatusCode.invalidArgument, place, name, "is neither a file nor a directory nor a link");
  }
  const base = kind === "symlink" ? path.posix.dirname(name) : ".";
  const wanted = textOf(entry.target);
  const target = wanted.startsWith("/") ? undefined : cleanName(path.posix.join(base, wanted));
  if (target === undefined) {
    throw aboutEntry(StatusCode.invalidArgument, place, name, "is a link that leads out of it");
  }
  return { target };
}

/** The file that a name stands for. */
function follow(place: string, places: ReadonlyMap<string, Place>, name: string) {
  const clean = cleanName(name);
  if (clean === undefined) throw aboutEntry(StatusCode.invalidArgument, place, name, "leads out of it");
  let found = places.get(clean);
  for (let links = 0; found !== undefined && "target" in found; links += 1) {
    if (links === MAX_LINKS)
      throw aboutEntry(StatusCode.invalidArgument, place, name, "is a link without end");
    found = places.get(found.target);
  }
  return found as { readonly at: number; readonly size: number } | undefined;
}

async function* readEntry(
  place: string,
  name: string,
  found: { readonly at: number; readonly size: number } | undefined,
  { handle, offset }: { handle: FileHandle; offset: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  if (found === undefined) throw aboutEntry(StatusCode.notFound, place, name, "is not there");
  if (offset >= found.size) return;
  yield* readPieces(handle, found.at + offset, found.at + found.size);
}
