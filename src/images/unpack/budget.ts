import { tooMuch } from "./errors.ts";
import type { TarEntry } from "./tar-entry.ts";

/** How much an image may unpack to, all its layers together. */
export interface UnpackLimits {
  readonly maxBytes: number;
  readonly maxFiles: number;
  /** Of names, and what else is remembered of each entry until its layer is complete. */
  readonly maxMemoryBytes: number;
}

/** What a string takes in memory beside its bytes, with its place in a map, and what a directory's entry takes, about. */
const STRING_BYTES = 64;
const DIRECTORY_BYTES = 448;

/** What is left of the limits: taken from by all layers of an image, while they are unpacked. */
export class Budget {
  readonly #limits: UnpackLimits;
  #bytes = 0;
  #files = 0;
  #memoryBytes = 0;

  constructor(limits: UnpackLimits) {
    this.#limits = limits;
  }

  /** Takes bytes of an archive, its headers and padding included; `resourceExhausted` where there are none left. */
  takeBytes(bytes: number): void {
    this.#bytes += bytes;
    this.expectBytes(0);
  }

  /** Throws already now where a file of this size must come to be too much. */
  expectBytes(bytes: number): void {
    const { maxBytes } = this.#limits;
    if (this.#bytes + bytes > maxBytes) throw tooMuch(`the image unpacks to more than ${maxBytes} bytes`);
  }

  /** Takes files, directories and whatever else an archive names or implies. */
  takeFiles(files: number): void {
    this.#files += files;
    const { maxFiles } = this.#limits;
    if (this.#files > maxFiles) throw tooMuch(`the image unpacks to more than ${maxFiles} files`);
  }

  /** Takes the memory in which entries are remembered: what is packed well has long names in few bytes. */
  takeMemory(entries: readonly TarEntry[]): void {
    for (const entry of entries) this.#memoryBytes += memoryOf(entry);
    const { maxMemoryBytes } = this.#limits;
    if (this.#memoryBytes <= maxMemoryBytes) return;
    throw tooMuch(`the names in the image take more than ${maxMemoryBytes} bytes of memory`);
  }
}

/** Of a directory all is remembered, as it may have to be written once more; of others where they are and lead to. */
function memoryOf({ kind, name, target, xattrs }: TarEntry): number {
  const strings = kind === "symlink" ? [name, target] : [name];
  if (kind === "directory") strings.push(...[...xattrs].flat());
  const own = kind === "directory" ? DIRECTORY_BYTES : 0;
  return strings.reduce((bytes, { length }) => bytes + STRING_BYTES + length, own);
}
