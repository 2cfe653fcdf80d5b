import { hasCode, StatusCode } from "../../base/status.ts";
import type { DescriptorWriter } from "../../linux/descriptor-writer.ts";

/**
 * Writes what comes. What cannot be written is dropped, so that its source never waits, and is told once for all of it
 * up to the next that can: a disk that was full may have room again.
 */
export class Passing {
  readonly #to: DescriptorWriter | undefined;
  readonly #onFailure: (err: unknown) => void;
  #isFailing = false;

  /** @param to where it goes; undefined drops all. That it was closed is no failure. */
  constructor(to: DescriptorWriter | undefined, onFailure: (err: unknown) => void) {
    this.#to = to;
    this.#onFailure = onFailure;
  }

  /** Resolves when the bytes were written, or dropped. */
  async pass(data: Uint8Array): Promise<void> {
    try {
      await this.#to?.write(data);
      this.#isFailing = false;
    } catch (err) {
      const isNew = !this.#isFailing && !hasCode(err, StatusCode.cancelled);
      this.#isFailing = true;
      if (isNew) this.#onFailure(err);
    }
  }
}
