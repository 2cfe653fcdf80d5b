import { ByteReader } from "./byte-reader.ts";
import { about, broken, inEntry, refused, shown } from "./errors.ts";
import { decodePax } from "./pax.ts";
import type { EntryKind, TarEntry } from "./tar-entry.ts";
import { BLOCK_BYTES, decodeHeader, type TarHeader, upToNul } from "./tar-header.ts";

/** An entry and its data, to be read before the next entry; what is left of it then is skipped. */
export interface ReadEntry {
  readonly entry: TarEntry;
  /** Where its data begins in the archive, in bytes. */
  readonly at: number;
  readonly data: AsyncIterable<Buffer>;
}

/** What a long name or the attributes of an entry may take; Go's and GNU tar's writers stay far below. */
const MAX_EXTENDED_BYTES = 1 << 20;

/** Into how large pieces data is cut at most. */
const PIECE_BYTES = 256 << 10;

const KINDS: Readonly<Record<string, EntryKind>> = {
  "0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
};

/** What extended headers say of the entry after them. */
interface Extended {
  readonly name?: string;
  readonly target?: string;
  readonly pax?: ReadonlyMap<string, string>;
}

/**
 * The entries of a tar archive: ustar, GNU and pax. As in Go, whose programs write nearly all images, global pax
 * headers are ignored and pax goes before GNU. Sparse files and whatever else has no meaning in an image are
 * refused. The source is read to its very end, as what is behind the archive is part of its digest.
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<ReadEntry, void, undefined> {
  const reader = new ByteReader(source);
  try {
    for (let extended: Extended = {}; ; ) {
      const header = await readHeader(reader);
      if (header === undefined) break;
      const more = await readExtended(reader, header);
      if (more !== undefined) {
        extended = { ...extended, ...more };
        continue;
      }
      yield* readOne(reader, makeEntry(header, extended));
      extended = {};
    }
    while ((await reader.some(PIECE_BYTES)) !== undefined);
  } finally {
    await reader.close();
  }
}

/** The next header; undefined at the end, which is two blocks of zeros or, with some writers, nothing. */
async function readHeader(reader: ByteReader): Promise<TarHeader | undefined> {
  const block = await reader.take(BLOCK_BYTES);
  if (block === undefined) return undefined;
  const header = decodeHeader(block);
  if (header !== undefined) return header;
  const second = await reader.take(BLOCK_BYTES);
  if (second !== undefined && decodeHeader(second) !== undefined) throw broken("a single block of zeros");
  return undefined;
}

/** What a header says that is about the next one, read with its data; undefined for an entry's own header. */
async function readExtended(reader: ByteReader, header: TarHeader): Promise<Extended | undefined> {
  if (!"LKxg".includes(header.type)) return undefined;
  if (header.size < 0 || header.size > MAX_EXTENDED_BYTES) {
    throw broken(`an extended header of ${header.size} bytes`);
  }
  const padded = Math.ceil(header.size / BLOCK_BYTES) * BLOCK_BYTES;
  const bytes = padded === 0 ? Buffer.alloc(0) : await reader.take(padded);
  if (bytes === undefined) throw broken("the archive ends too early");
  const data = bytes.subarray(0, header.size);
  if (header.type === "L") return { name: upToNul(data.toString("latin1")) };
  if (header.type === "K") return { target: upToNul(data.toString("latin1")) };
  return header.type === "x" ? { pax: decodePax(data) } : {};
}

async function* readOne(reader: ByteReader, entry: TarEntry): AsyncGenerator<ReadEntry, void, undefined> {
  let missing = entry.size;
  const next = () => reader.some(Math.min(missing, PIECE_BYTES));
  const data = async function* () {
    while (missing > 0) {
      const piece = await next().catch((thrown) => {
        throw about(`entry ${shown(entry.name)}`, thrown);
      });
      if (piece === undefined) throw broken(`the archive ends in entry ${shown(entry.name)}`);
      missing -= piece.length;
      yield piece;
    }
  };
  yield { entry, at: reader.taken, data: data() };
  // What was left of it: `data` itself cannot be gone on with by somebody else.
  for await (const _ of data());
  const padding = (BLOCK_BYTES - (entry.size % BLOCK_BYTES)) % BLOCK_BYTES;
  if (padding > 0) await reader.take(padding);
}

function makeEntry(header: TarHeader, { name, target, pax = new Map() }: Extended): TarEntry {
  const fullName = pax.get("path") || (name ?? header.name);
  return inEntry(fullName, () => fill({ ...header, name: fullName, target: target ?? header.target }, pax));
}

function fill(header: TarHeader, pax: ReadonlyMap<string, string>): TarEntry {
  const kind = kindOf(header, pax);
  const size = integer(pax, "size", header.size);
  const isLink = kind === "symlink" || kind === "hardlink";
  return {
    kind,
    name: header.name,
    target: isLink ? pax.get("linkpath") || header.target : "",
    mode: header.mode & 0o7777,
    uid: integer(pax, "uid", header.uid),
    gid: integer(pax, "gid", header.gid),
    // Others have no data, whatever they say.
    size: kind === "file" ? size : 0,
    mtime: mtimeOf(header, pax),
    major: header.major,
    minor: header.minor,
    xattrs: xattrsOf(pax),
  };
}

function kindOf({ type, size, name }: TarHeader, pax: ReadonlyMap<string, string>): EntryKind {
  const isSparse = type === "S" || [...pax.keys()].some((keyword) => keyword.startsWith("GNU.sparse."));
  if (isSparse) throw refused("a sparse file, which images do not have");
  const kind = KINDS[type];
  if (kind === undefined) throw refused(`the unknown type ${JSON.stringify(type)}`);
  if (kind !== "file" || !name.endsWith("/")) return kind;
  // The oldest form has no other sign of a directory.
  if (size !== 0) throw refused("a directory with data");
  return "directory";
}

function integer(pax: ReadonlyMap<string, string>, keyword: string, otherwise: number): number {
  const value = pax.get(keyword) || String(otherwise);
  if (!/^\d{1,16}$/.test(value)) throw broken(`${keyword} is ${JSON.stringify(value)}`);
  return Number(value);
}

function mtimeOf(header: TarHeader, pax: ReadonlyMap<string, string>): string {
  const value = pax.get("mtime") || String(header.mtime);
  if (!/^-?\d{1,12}(\.\d{0,18})?$/.test(value)) throw broken(`mtime is ${JSON.stringify(value)}`);
  return value;
}

const XATTR = "SCHILY.xattr.";

function xattrsOf(pax: ReadonlyMap<string, string>): Map<string, string> {
  const found = [...pax].filter(([keyword]) => keyword.startsWith(XATTR));
  return new Map(found.map(([keyword, value]) => [keyword.slice(XATTR.length), value]));
}
