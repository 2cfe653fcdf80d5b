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
  const { streamId, type, flags, data } = frame;
  const bytes = new Uint8Array(HEADER_LENGTH + data.length);
  const header = new DataView(bytes.buffer);
  header.setUint32(0, data.length);
  header.setUint32(4, streamId);
  header.setUint8(8, type);
  header.setUint8(9, flags);
  bytes.set(data, HEADER_LENGTH);
  return bytes;
}

/** A frame whose header has come and whose data is under way. */
interface PartialFrame {
  readonly header: FrameHeader;
  readonly length: number;
  /** Grows with what has come, not with what the header promises. */
  data: Uint8Array;
  filled: number;
}

/**
 * Turns chunks, however they are cut, into frames. It holds at most twice what has come of one frame, and never
 * more than the limit; each byte is copied a bounded number of times. No input makes it throw.
 */
export class FrameDecoder {
  readonly #limit: number;
  readonly #header = new DataView(new ArrayBuffer(HEADER_LENGTH));
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
   * as its header is there. The chunk may be reused afterwards: nothing keeps a view of it.
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
        frames.push({ ...partial.header, data: partial.data });
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
    const taken = Math.min(HEADER_LENGTH - this.#headerFilled, chunk.length - at);
    for (let i = 0; i < taken; i++) this.#header.setUint8(this.#headerFilled + i, chunk[at + i] ?? 0);
    this.#headerFilled += taken;
    if (this.#headerFilled < HEADER_LENGTH) return taken;
    this.#headerFilled = 0;
    const length = this.#header.getUint32(0);
    const streamId = this.#header.getUint32(4);
    const header = { streamId, type: this.#header.getUint8(8), flags: this.#header.getUint8(9) };
    if (length <= this.#limit) {
      this.#partial = { header, length, data: new Uint8Array(0), filled: 0 };
    } else {
      frames.push({ ...header, oversized: length });
      this.#toSkip = length;
    }
    return taken;
  }

  #takeData(partial: PartialFrame, chunk: Uint8Array, at: number): number {
    const taken = Math.min(partial.length - partial.filled, chunk.length - at);
    const filled = partial.filled + taken;
    if (filled > partial.data.length) {
      const grown = new Uint8Array(Math.min(partial.length, Math.max(filled, 2 * partial.data.length)));
      grown.set(partial.data.subarray(0, partial.filled));
      partial.data = grown;
    }
    partial.data.set(chunk.subarray(at, at + taken), partial.filled);
    partial.filled = filled;
    return taken;
  }
}
