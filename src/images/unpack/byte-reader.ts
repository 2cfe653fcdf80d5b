import { broken } from "./errors.ts";

/** Takes bytes from chunks of any sizes, never holding more than a chunk and what was asked for. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);
  #taken = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** How many bytes were taken. */
  get taken(): number {
    return this.#taken;
  }

  /** Exactly so many bytes; undefined where the source has ended before the first. `dataLoss` where it ends later. */
  async take(bytes: number): Promise<Buffer | undefined> {
    const taken = await this.upTo(bytes);
    if (taken.length === 0) return undefined;
    if (taken.length < bytes) throw broken("the archive ends too early");
    return taken;
  }

  /** So many bytes, or all there are where the source has fewer. */
  async upTo(bytes: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let missing = bytes; missing > 0; ) {
      const part = await this.some(missing);
      if (part === undefined) break;
      parts.push(part);
      missing -= part.length;
    }
    const [first] = parts;
    return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
  }

  /** The next bytes as they come, at most so many; undefined at the end. */
  async some(most: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#source.next();
      if (done) return undefined;
      this.#rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
    const part = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(part.length);
    this.#taken += part.length;
    return part;
  }

  /** Lets go of the source, which has not ended. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }
}
