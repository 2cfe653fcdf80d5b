import { within } from "../../base/deadline.ts";
import { fieldsOf, type StdioHost, type StdioOwner } from "./stdio.ts";

/** Waits for the output of a process that has ended: without a limit until its Delete, and at most to the limit then. */
export class Draining {
  readonly #host: Pick<StdioHost, "settings" | "logger">;
  readonly #owner: Pick<StdioOwner, "id" | "execId">;
  readonly #passOn: () => Promise<unknown>;
  #passedOn: Promise<unknown> | undefined;
  #drained: Promise<void> | undefined;

  /** @param passOn is called once, when the process has ended; resolves when all of its output was passed on */
  constructor(
    host: Pick<StdioHost, "settings" | "logger">,
    owner: Pick<StdioOwner, "id" | "execId">,
    passOn: () => Promise<unknown>,
  ) {
    this.#host = host;
    this.#owner = owner;
    this.#passOn = passOn;
  }

  /** The process has ended; repeatable. */
  begin(): void {
    this.#begun().catch(() => {});
  }

  /** Resolves when all was passed on, or at the limit from the first call, which is logged. Never rejects. */
  drained(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  #begun(): Promise<unknown> {
    this.#passedOn ??= this.#passOn();
    return this.#passedOn;
  }

  async #drain(): Promise<void> {
    const { settings, logger } = this.#host;
    try {
      await within(this.#begun(), settings.drainMs, "passing on the output of an ended process");
    } catch (err) {
      logger.warn("output was not passed on to its end", { ...fieldsOf(this.#owner), err });
    }
  }
}
