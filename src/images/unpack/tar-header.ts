/**
 * The blocks of a tar archive's headers: ustar (POSIX.1-1988), GNU, star and the oldest of all, as
 * https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html and GNU tar's manual lay them out.
 */
import { broken } from "./errors.ts";

/** What an archive is made of. */
export const BLOCK_BYTES = 512;

/** A header as it stands in its block; what it says may be overruled by extended headers before it. */
export interface TarHeader {
  /** One character; `0` for the oldest form's NUL as well. */
  readonly type: string;
  readonly name: string;
  readonly target: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
}

/** Where the fields are: offset and length. */
const FIELD = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  target: [157, 100],
  magic: [257, 8],
  major: [329, 8],
  minor: [337, 8],
  prefix: [345, 155],
  starPrefix: [345, 131],
  starTrailer: [508, 4],
} as const satisfies Record<string, readonly [number, number]>;

type Field = keyof typeof FIELD;

const POSIX_MAGIC = "ustar\x0000";
const GNU_MAGIC = "ustar  \0";

/** Parses a header; undefined for a block of zeros, `dataLoss` for one that is none. */
export function decodeHeader(block: Buffer): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (!hasChecksum(block)) throw broken("no tar header where one should be");
  const magic = field(block, "magic");
  const isKnown = magic === POSIX_MAGIC || magic === GNU_MAGIC;
  const prefix = magic === POSIX_MAGIC ? prefixOf(block) : "";
  const name = text(block, "name");
  const type = field(block, "type");
  return {
    type: type === "\0" ? "0" : type,
    name: prefix === "" ? name : `${prefix}/${name}`,
    target: text(block, "target"),
    mode: number(block, "mode"),
    uid: number(block, "uid"),
    gid: number(block, "gid"),
    size: number(block, "size"),
    mtime: number(block, "mtime"),
    major: isKnown ? number(block, "major") : 0,
    minor: isKnown ? number(block, "minor") : 0,
  };
}

/** Makes the block of a header; name and target must fit, as must the numbers that are not `isLarge`'s. */
export function encodeHeader(header: TarHeader): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const put = (at: Field, value: string) => block.write(value, FIELD[at][0], "latin1");
  put("name", header.name);
  put("target", header.target);
  put("type", header.type);
  put("magic", POSIX_MAGIC);
  for (const at of ["mode", "uid", "gid", "size", "mtime", "major", "minor"] as const) {
    putNumber(block, at, header[at]);
  }
  put("checksum", `${checksum(block).toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** The longest name, or target, that a header holds. */
export const MAX_NAME_BYTES = FIELD.name[1];

function field(block: Buffer, at: Field): string {
  const [offset, length] = FIELD[at];
  return block.toString("latin1", offset, offset + length);
}

/** A field up to its first NUL. */
function text(block: Buffer, at: Field): string {
  return upToNul(field(block, at));
}

/** What is before the first NUL. */
export function upToNul(value: string): string {
  const end = value.indexOf("\0");
  return end < 0 ? value : value.slice(0, end);
}

function prefixOf(block: Buffer): string {
  return text(block, field(block, "starTrailer") === "tar\0" ? "starPrefix" : "prefix");
}

/** Octal digits among blanks and NULs, or, where the first bit is set, a binary number in two's complement. */
function number(block: Buffer, at: Field): number {
  const [offset, length] = FIELD[at];
  if (((block[offset] ?? 0) & 0x80) !== 0) return binaryNumber(block.subarray(offset, offset + length), at);
  const digits = field(block, at).replace(/^[ \0]+/, "");
  const octal = digits.split(/[ \0]/)[0] ?? "";
  if (!/^[0-7]*$/.test(octal)) throw broken(`${at} in its header is no number`);
  return octal === "" ? 0 : Number.parseInt(octal, 8);
}

function binaryNumber(bytes: Buffer, at: Field): number {
  const hex = bytes.toString("hex");
  // Without the bit that says it is binary; the next one is the sign.
  const bits = bytes.length * 8 - 1;
  const value = Number(BigInt.asIntN(bits, BigInt(`0x${hex}`)));
  if (!Number.isSafeInteger(value)) throw broken(`${at} in its header is out of range`);
  return value;
}

function putNumber(block: Buffer, at: Field, value: number): void {
  const [offset, length] = FIELD[at];
  const octal = value.toString(8);
  if (value >= 0 && octal.length < length) {
    block.write(octal.padStart(length - 1, "0"), offset, "latin1");
    return;
  }
  const bits = BigInt.asUintN(length * 8 - 1, BigInt(value)) | (1n << BigInt(length * 8 - 1));
  block.write(bits.toString(16).padStart(length * 2, "0"), offset, "hex");
}

/** The sum of all bytes, its own field counted as blanks. */
function checksum(block: Buffer): number {
  const [offset, length] = FIELD.checksum;
  let sum = length * 0x20;
  block.forEach((byte, at) => {
    if (at < offset || at >= offset + length) sum += byte;
  });
  return sum;
}

/** Whether the checksum is right; some old programs took bytes for signed numbers. */
function hasChecksum(block: Buffer): boolean {
  const found = Number.parseInt(field(block, "checksum").replace(/^[ \0]+/, ""), 8);
  const [offset, length] = FIELD.checksum;
  const isOwn = (at: number) => at >= offset && at < offset + length;
  const high = block.filter((byte, at) => byte >= 0x80 && !isOwn(at)).length;
  const sum = checksum(block);
  return found === sum || found === sum - 256 * high;
}
