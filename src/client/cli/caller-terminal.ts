/** How large a terminal is, in characters. */
export interface WindowSize {
  readonly width: number;
  readonly height: number;
}

/** What is used of this process's own streams. */
export interface CallerStreams {
  readonly stdin: Pick<NodeJS.ReadStream, "isTTY" | "setRawMode">;
  readonly stdout: Pick<NodeJS.WriteStream, "isTTY" | "columns" | "rows" | "on" | "off">;
}

/**
 * The terminal of who called, lent to a container: every key goes there as it is, Ctrl-C included, until it is given
 * back. It is given back also where the process ends otherwise, as nobody could read what is typed then.
 */
export class CallerTerminal {
  readonly #streams: CallerStreams;
  readonly #restore = () => this.giveBack();
  #onResize: (() => void) | undefined;
  #raw = false;

  constructor(streams: CallerStreams = process) {
    this.#streams = streams;
  }

  /** Undefined where stdout is no terminal. */
  get size(): WindowSize | undefined {
    const { isTTY, columns, rows } = this.#streams.stdout;
    return isTTY && columns > 0 && rows > 0 ? { width: columns, height: rows } : undefined;
  }

  /** Lends it; `onResize` is called at each new size. */
  lend(options: { readonly keys: boolean; readonly onResize: () => void }): void {
    const { stdin, stdout } = this.#streams;
    process.once("exit", this.#restore);
    this.#onResize = options.onResize;
    stdout.on("resize", this.#onResize);
    if (!options.keys || !stdin.isTTY) return;
    stdin.setRawMode(true);
    this.#raw = true;
  }

  /** Gives it back as it was; repeatable. */
  giveBack(): void {
    process.off("exit", this.#restore);
    if (this.#onResize !== undefined) this.#streams.stdout.off("resize", this.#onResize);
    this.#onResize = undefined;
    if (this.#raw) this.#streams.stdin.setRawMode(false);
    this.#raw = false;
  }
}
