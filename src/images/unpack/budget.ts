import { tooMuch } from "./errors.ts";

/** How much an image may unpack to, all its layers together. */
export interface UnpackLimits {
  readonly maxBytes: number;
  readonly maxFiles: number;
}

/** What is left of the limits: taken from by all layers of an image, while they are unpacked. */
export class Budget {
  readonly #limits: UnpackLimits;
  #bytes = 0;
  #files = 0;

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
}
