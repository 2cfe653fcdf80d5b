/**
 * The frames of ttrpc: a header of ten bytes (data length u32, stream id u32, type u8, flags u8; big-endian) and
 * the data. Pure: no socket, no protobuf (containerd/ttrpc PROTOCOL.md).
 */

/** The bytes of a frame's header. */
export const HEADER_LENGTH = 10;

/** The most data a frame may carry. A peer skips a longer one and answers `resourceExhausted` on its stream. */
export const MAX_DATA_LENGTH = 4 << 20;

/** The highest stream id the header can hold. */
export const MAX_STREAM_ID = 0xffff_ffff;

/** What a frame is for. Other numbers may come: they are kept for later versions and ignored. */
export const FrameType = { request: 1, response: 2, data: 3 } as const;

/**
 * The bits of a frame's flags. On a request neither of the first two means a unary call; `noData` belongs to
 * data frames and tells an empty message from no message.
 */
export const FrameFlag = { none: 0, remoteClosed: 1, remoteOpen: 2, noData: 4 } as const;

/** What the header says beside the length. */
export interface FrameHeader {
  readonly streamId: number;
  /** One of {@link FrameType}, or a number this version does not know. */
  readonly type: number;
  /** Bits of {@link FrameFlag}. */
  readonly flags: number;
}

/** A whole frame. */
export interface Frame extends FrameHeader {
  readonly data: Uint8Array;
}

/** The header of a frame that is longer than the limit; its data is skipped as it comes, and never stored. */
export interface OversizedFrame extends FrameHeader {
  /** How many bytes of data the header announces. */
  readonly oversized: number;
}

/** The name of a frame type, for messages. */
export function frameTypeName(type: number): string {
  for (const [name, value] of Object.entries(FrameType)) if (value === type) return name;
  return `type ${type}`;
}

/** The bytes of a frame on the wire. The data is copied. */
export function encodeFrame(frame: Frame): Uint8Array {
  const bytes = withHeaderRoom(frame.data.length);
  bytes.set(frame.data, HEADER_LENGTH);
  return putHeader(bytes, frame);
}

/** Bytes for a frame with so much data: room for its header, then for the data, to be filled by the caller. */
export function withHeaderRoom(dataLength: number): Uint8Array {
  // An array made in the plain way would be filled with zeros first.
  return Buffer.allocUnsafe(HEADER_LENGTH + dataLength);
}

/** Writes the header into the room that was left for it, and returns the bytes, which are a frame now. */
export function putHeader(bytes: Uint8Array, { streamId, type, flags }: FrameHeader): Uint8Array {
  putUint32(bytes, 0, bytes.length - HEADER_LENGTH);
  putUint32(bytes, 4, streamId);
  bytes[8] = type;
  bytes[9] = flags;
  return bytes;
}

// By hand: a DataView for each frame would cost more than all else that is done with its header.
function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function getUint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return ((high << 16) | low) >>> 0;
}

/** A frame whose header has come and whose data is under way. */
interface PartialFrame {
  readonly streamId: number;
  readonly type: number;
  readonly flags: number;
  readonly length: number;
  /** Grows with what has come, not with what the header promises. */
  data: Uint8Array;
  filled: number;
}

/** What is allocated for a frame at first, where that much is promised: less would only be copied when more comes. */
const FIRST_BYTES = 128 << 10;

/** Data that is a smaller part of its chunk than this is copied out of it, so as not to keep all of it alive. */
const VIEW_SHARE = 1 / 4;

/**
 * Turns chunks, however they are cut, into frames. For one frame it holds at most four times what has come of it,
 * or 128 KiB, and never more than the limit; each byte is copied a bounded number of times. No input makes it throw.
 */
export class FrameDecoder {
  readonly #limit: number;
  readonly #header = new Uint8Array(HEADER_LENGTH);
  #headerFilled = 0;
  #partial: PartialFrame | undefined;
  #toSkip = 0;

  /** @param limit the most data to accept in a frame, in bytes */
  constructor(limit: number = MAX_DATA_LENGTH) {
    this.#limit = limit;
  }

  /** Whether the bytes so far end between two frames. Where a connection ends it should be true. */
  get atBoundary(): boolean {
    return this.#headerFilled === 0 && this.#partial === undefined && this.#toSkip === 0;
  }

  /**
   * Takes a chunk in and returns the frames it completes, in order. A frame over the limit is returned as soon
   * as its header is there. The chunk is the decoder's from now on: data that makes up a good part of it is a
   * view of it.
   */
  push(chunk: Uint8Array): (Frame | OversizedFrame)[] {
    const frames: (Frame | OversizedFrame)[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#toSkip > 0) at += this.#skip(chunk.length - at);
      else if (this.#partial === undefined) at += this.#takeHeader(chunk, at, frames);
      else at += this.#takeData(this.#partial, chunk, at);
      const partial = this.#partial;
      if (partial !== undefined && partial.filled === partial.length) {
        const { streamId, type, flags, data } = partial;
        frames.push({ streamId, type, flags, data });
        this.#partial = undefined;
      }
    }
    return frames;
  }

  #skip(available: number): number {
    const skipped = Math.min(this.#toSkip, available);
    this.#toSkip -= skipped;
    return skipped;
  }

  #takeHeader(chunk: Uint8Array, at: number, frames: (Frame | OversizedFrame)[]): number {
    if (this.#headerFilled === 0 && chunk.length - at >= HEADER_LENGTH) {
      this.#begin(chunk, at, frames);
      return HEADER_LENGTH;
    }
    const taken = Math.min(HEADER_LENGTH - this.#headerFilled, chunk.length - at);
    this.#header.set(chunk.subarray(at, at + taken), this.#headerFilled);
    this.#headerFilled += taken;
    if (this.#headerFilled < HEADER_LENGTH) return taken;
    this.#headerFilled = 0;
    this.#begin(this.#header, 0, frames);
    return taken;
  }

  /** Reads a header, which says what the bytes after it are. */
  #begin(bytes: Uint8Array, at: number, frames: (Frame | OversizedFrame)[]): void {
    const length = getUint32(bytes, at);
    const streamId = getUint32(bytes, at + 4);
    const type = bytes[at + 8] ?? 0;
    const flags = bytes[at + 9] ?? 0;
    if (length <= this.#limit) {
      this.#partial = { streamId, type, flags, length, data: EMPTY, filled: 0 };
    } else {
      frames.push({ streamId, type, flags, oversized: length });
      this.#toSkip = length;
    }
  }

  #takeData(partial: PartialFrame, chunk: Uint8Array, at: number): number {
    const { length, filled } = partial;
    const taken = Math.min(length - filled, chunk.length - at);
    if (taken === length) {
      partial.data = cut(chunk, at, length);
    } else {
      makeRoom(partial, filled + taken);
      partial.data.set(chunk.subarray(at, at + taken), filled);
    }
    partial.filled = filled + taken;
    return taken;
  }
}

const EMPTY = new Uint8Array(0);

/** Data that lies in a chunk as a whole: a view, or a copy. Always a plain array of bytes. */
function cut(chunk: Uint8Array, at: number, length: number): Uint8Array {
  const view = new Uint8Array(chunk.buffer, chunk.byteOffset + at, length);
  return length >= chunk.length * VIEW_SHARE ? view : view.slice();
}

function makeRoom(partial: PartialFrame, needed: number): void {
  const { length, data, filled } = partial;
  if (needed <= data.length) return;
  const grown = new Uint8Array(Math.min(length, Math.max(needed, 2 * data.length, FIRST_BYTES)));
  grown.set(data.subarray(0, filled));
  partial.data = grown;
}
