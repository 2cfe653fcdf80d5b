import { hasCode, StatusCode } from "../../base/status.ts";
import type { DescriptorWriter } from "../../linux/descriptor-writer.ts";

/** Writes until it fails, which is told once; what comes from then on is dropped, so that its source never waits. */
export class Passing {
  #to: DescriptorWriter | undefined;
  readonly #onFailure: (err: unknown) => void;

  /** @param to where it goes; undefined drops all. That it was closed is no failure. */
  constructor(to: DescriptorWriter | undefined, onFailure: (err: unknown) => void) {
    this.#to = to;
    this.#onFailure = onFailure;
  }

  /** Resolves when the bytes were written, or dropped. */
  async pass(data: Uint8Array): Promise<void> {
    try {
      await this.#to?.write(data);
    } catch (err) {
      this.#to = undefined;
      if (!hasCode(err, StatusCode.cancelled)) this.#onFailure(err);
    }
  }
}
