import type { Logger } from "../base/logger.ts";

/** Undoes what was made so far, the newest first; what cannot be undone is logged and does not stop the rest. */
export class Undo {
  readonly #logger: Logger;
  readonly #steps: { readonly what: string; readonly run: () => Promise<unknown> | unknown }[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The thing just made, and what takes it back. */
  add(what: string, run: () => Promise<unknown> | unknown): void {
    this.#steps.push({ what, run });
  }

  /** Takes all of it back, for the container of this id. */
  async all(id: string): Promise<void> {
    for (const { what, run } of this.#steps.reverse()) {
      try {
        await run();
      } catch (err) {
        this.#logger.error("a failed create left something behind", { id, what, err });
      }
    }
  }
}
