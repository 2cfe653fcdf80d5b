/** What is used of a terminal. */
type Screen = Pick<NodeJS.WriteStream, "write" | "rows">;

/** Moves up so many lines and clears what is below (ECMA-48: CPL, ED). */
const back = (lines: number) => (lines === 0 ? "" : `\u001b[${lines}F\u001b[J`);

/** A text on a terminal that takes its own place again with each new version. */
export class ScreenTable {
  readonly #screen: Screen;
  #lines = 0;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** Shows as much of it as the terminal has room for: what has scrolled away cannot be written over. */
  show(text: string): void {
    const lines = text.split("\n").slice(0, Math.max(1, (this.#screen.rows || 24) - 1));
    this.#screen.write(`${back(this.#lines)}${lines.join("\n")}\n`);
    this.#lines = lines.length;
  }
}
