import type fs from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { extract, type Header } from "tar-stream";
import { StatusCode, StatusError } from "../../base/status.ts";
import { fsError } from "../../linux/errno.ts";
import { readPieces } from "../files.ts";
import { type Archive, aboutEntry, cleanName } from "./archive.ts";
import { openUnpacked, type UnpackOptions } from "./unpacked-file.ts";

/** A file in an archive: where its bytes are, or the name of the file that it is linked to. */
type Place = { readonly at: number; readonly size: number } | { readonly target: string };

/** An image of a thousand layers has some thousand files. */
const MAX_ENTRIES = 100_000;
/** A link to a link is found in no archive that a program has written. */
const MAX_LINKS = 8;

/** What the reader does not tell in its types: where the data of an entry begins. */
type Found = Header & { readonly byteOffset?: number };

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
  const onEntry = (header: Found) => {
    count += 1;
    if (count > MAX_ENTRIES) {
      throw new StatusError(StatusCode.resourceExhausted, `${place} has more than ${MAX_ENTRIES} entries`);
    }
    const { name } = header;
    const clean = cleanName(name);
    if (clean === undefined) throw aboutEntry(StatusCode.invalidArgument, place, name, "leads out of it");
    const found = placeOf(place, clean, header);
    if (found !== undefined) places.set(clean, found);
  };
  await readHeaders(place, handle, signal, onEntry);
  return places;
}

async function readHeaders(
  place: string,
  handle: FileHandle,
  signal: AbortSignal,
  onEntry: (header: Found) => void,
): Promise<void> {
  const reader = extract();
  const reading = pipeline(readPieces(handle, 0), reader, { signal });
  // Its error comes out of the entries, too, or the signal's reason instead.
  reading.catch(() => {});
  try {
    for await (const entry of reader) {
      onEntry(entry.header);
      entry.resume();
    }
    await reading;
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof StatusError) throw thrown;
    const { message } = StatusError.from(thrown);
    throw new StatusError(StatusCode.invalidArgument, `${place} is not a whole tar archive: ${message}`, {
      cause: fsError(place, thrown),
    });
  }
}

function placeOf(place: string, name: string, header: Found): Place | undefined {
  const { type, size, byteOffset: at, linkname } = header;
  if (type === "directory") return undefined;
  if ((type === "file" || type === "contiguous-file") && at !== undefined) return { at, size };
  if (type !== "link" && type !== "symlink") {
    throw aboutEntry(StatusCode.invalidArgument, place, name, "is neither a file nor a directory nor a link");
  }
  const base = type === "symlink" ? path.posix.dirname(name) : ".";
  const target = linkname.startsWith("/") ? undefined : cleanName(path.posix.join(base, linkname));
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
