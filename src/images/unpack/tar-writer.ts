import { encodePax } from "./pax.ts";
import type { EntryKind, TarEntry } from "./tar-entry.ts";
import { BLOCK_BYTES, encodeHeader, MAX_NAME_BYTES, type TarHeader } from "./tar-header.ts";

const TYPES: Readonly<Record<EntryKind, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  directory: "5",
  fifo: "6",
};

/** Two blocks of zeros. */
export const END_OF_ARCHIVE: Buffer = Buffer.alloc(2 * BLOCK_BYTES);

/**
 * The header blocks of an entry whose path is clean, in the one form that every GNU tar reads byte for byte: long
 * names as GNU's own (a pax record would go through the locale), a pax header only for what has no other form.
 */
export function encodeEntry(entry: TarEntry): Buffer {
  const name = entry.kind === "directory" && entry.name !== "" ? `./${entry.name}/` : `./${entry.name}`;
  const target = entry.kind === "hardlink" ? `./${entry.target}` : entry.target;
  const { mode, uid, gid, size, major, minor } = entry;
  const [seconds, records] = [Math.floor(Number(entry.mtime)), recordsOf(entry)];
  const header = { type: TYPES[entry.kind], mode, uid, gid, size, mtime: seconds, major, minor };
  return Buffer.concat([
    ...(records.length > 0 ? extra("x", encodePax(records)) : []),
    ...(name.length > MAX_NAME_BYTES ? extra("L", Buffer.from(`${name}\0`, "latin1")) : []),
    ...(target.length > MAX_NAME_BYTES ? extra("K", Buffer.from(`${target}\0`, "latin1")) : []),
    encodeHeader({ ...header, name: fit(name), target: fit(target) }),
  ]);
}

/** What has to follow so many bytes of data. */
export function padding(bytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

function recordsOf({ mtime, xattrs }: TarEntry): [string, string][] {
  const records = [...xattrs].map(([name, value]): [string, string] => [`SCHILY.xattr.${name}`, value]);
  return mtime.includes(".") ? [["mtime", mtime], ...records] : records;
}

/** A header about the next one, with its data. */
function extra(type: string, data: Buffer): Buffer[] {
  return [encodeHeader({ ...EXTRA, type, size: data.length }), data, padding(data.length)];
}

const EXTRA: Omit<TarHeader, "type" | "size"> = {
  name: "././@LongLink",
  target: "",
  mode: 0,
  uid: 0,
  gid: 0,
  mtime: 0,
  major: 0,
  minor: 0,
};

function fit(name: string): string {
  return name.slice(0, MAX_NAME_BYTES);
}
