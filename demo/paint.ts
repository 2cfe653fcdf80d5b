import Table from "cli-table3";

/** Colours only where a person sees them. */
const colourful = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;

const paint = (code: number) => (text: string) => (colourful ? `\x1b[${code}m${text}\x1b[0m` : text);

export const bold = paint(1);
export const dim = paint(2);
export const green = paint(32);
export const red = paint(31);

/** Milliseconds as a person says them: `0.4 ms`, `74 ms`, `6.58 s`. */
export function duration(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(2)} s`;
  return ms >= 10 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(1)} ms`;
}

/** Prints a table; a column whose cells begin with a digit is aligned to the right. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const numeric = (column: number) => rows.every((row) => /^\d/.test(row[column] ?? ""));
  const table = new Table({
    head: head.map(bold),
    style: { head: [], border: [], compact: true },
    colAligns: head.map((_, column) => (numeric(column) ? "right" : "left")),
  });
  table.push(...rows.map((row) => [...row]));
  say(table.toString());
}

/** Prints a line. */
export function say(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/** Shows how far something is, in place on a terminal; says nothing elsewhere. `undefined` clears it. */
export function progress(text: string | undefined): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[2K${text === undefined ? "" : dim(text)}`);
}
