import Table from "cli-table3";
import { type Colour, hasColour, paint } from "./colour.ts";
import { printable } from "./words.ts";

/** What stands in a cell: made harmless before it is shown, and in a colour where there are any. */
export type Cell = string | { readonly text: string; readonly colour: Colour };

/** Cells, or lines of text over the whole width. */
export type Row = readonly Cell[] | { readonly note: readonly string[] };

/** How to show a table. */
export interface TableOptions {
  /** Columns without a frame, for what is no terminal. */
  readonly plain: boolean;
  /** None where it is missing. */
  readonly colour?: boolean;
}

/** A table without a frame; two blanks are between its columns. */
const NO_FRAME = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "", middle: "  " },
};

/** How tables are shown on this process's stdout. */
export function tableOptions(): Required<TableOptions> {
  return { plain: !process.stdout.isTTY, colour: hasColour(process.stdout) };
}

/** A table for people. It ends without a newline, and no line of it ends with blanks. */
export function describeTable(head: readonly string[], rows: readonly Row[], options: TableOptions): string {
  const style = { head: [], border: [], ...(options.plain && { "padding-left": 0, "padding-right": 0 }) };
  const table = new Table({ head: [...head], style, ...(options.plain && { chars: NO_FRAME }) });
  for (const row of rows) {
    if ("note" in row)
      table.push([
        { colSpan: head.length, content: row.note.map((line) => `  ${printable(line)}`).join("\n") },
      ]);
    else table.push(row.map((cell) => show(cell, options.colour ?? false)));
  }
  const lines = table.toString().split("\n");
  return lines.map((line) => line.trimEnd()).join("\n");
}

function show(cell: Cell, colour: boolean): string {
  if (typeof cell === "string") return printable(cell);
  return colour ? paint(printable(cell.text), cell.colour) : printable(cell.text);
}
