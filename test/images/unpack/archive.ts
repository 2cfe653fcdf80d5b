import { createHash } from "node:crypto";
import { encodePax } from "../../../src/images/unpack/pax.ts";
import { encodeHeader, type TarHeader } from "../../../src/images/unpack/tar-header.ts";
import { END_OF_ARCHIVE, padding } from "../../../src/images/unpack/tar-writer.ts";

/** An entry as a test writes it, true to the letter: hostile ones too. */
export interface RawEntry extends Partial<TarHeader> {
  readonly name: string;
  readonly data?: string | Buffer;
  /** Records of a pax header before it. */
  readonly pax?: Readonly<Record<string, string>>;
  /** Names before it as GNU tar writes long ones. */
  readonly longName?: string;
  readonly longTarget?: string;
}

const PLAIN = { type: "0", target: "", mode: 0o644, uid: 0, gid: 0, mtime: 0, major: 0, minor: 0 };

/** The blocks of one entry. */
export function blocks({ data = "", pax, longName, longTarget, ...header }: RawEntry): Buffer {
  const bytes = Buffer.from(data);
  return Buffer.concat([
    ...(pax === undefined ? [] : extended("x", encodePax(Object.entries(pax)))),
    ...(longName === undefined ? [] : extended("L", Buffer.from(`${longName}\0`, "latin1"))),
    ...(longTarget === undefined ? [] : extended("K", Buffer.from(`${longTarget}\0`, "latin1"))),
    encodeHeader({ ...PLAIN, size: bytes.length, ...header }),
    bytes,
    padding(bytes.length),
  ]);
}

function extended(type: string, data: Buffer): Buffer[] {
  return [blocks({ name: "extended", type, data })];
}

/** An archive with its end. */
export function archive(...entries: readonly RawEntry[]): Buffer {
  return Buffer.concat([...entries.map(blocks), END_OF_ARCHIVE]);
}

/** A directory, a link, a hard link: the entries that most archives have. */
export const directory = (name: string, more: Partial<RawEntry> = {}): RawEntry => ({
  name,
  type: "5",
  mode: 0o755,
  ...more,
});
export const symlink = (name: string, target: string): RawEntry => ({ name, type: "2", target, mode: 0o777 });
export const hardlink = (name: string, target: string): RawEntry => ({ name, type: "1", target });
export const file = (name: string, data: string | Buffer = "", more: Partial<RawEntry> = {}): RawEntry => ({
  name,
  data,
  ...more,
});

/** The digest of bytes. */
export function digestOf(bytes: Buffer): `sha256:${string}` {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Bytes in chunks of a size. */
export async function* chunks(bytes: Buffer, size = 65_536): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
