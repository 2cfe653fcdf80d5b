import type { ResultTable, RowResult, Subject } from "./result.ts";

/** The figures of the same subjects, which fit into one table. */
export function tablesByHead(tables: readonly ResultTable[]): Map<string, ResultTable[]> {
  const groups = new Map<string, ResultTable[]>();
  for (const table of tables) {
    const head = headOf([table]).join("\n");
    groups.set(head, [...(groups.get(head) ?? []), table]);
  }
  return groups;
}

/** The head of a table: a column for each subject. */
export function headOf(tables: readonly ResultTable[]): string[] {
  return ["", ...(tables[0]?.subjects ?? []).map(({ label }) => label)];
}

/** A figure's line: `31 ms, p99 44 ms (1.1×)` of each subject. */
export function lineOf({ title, unit, subjects }: ResultTable): string[] {
  return [title, ...subjects.map((subject) => cellOf(subject, unit))];
}

function cellOf({ median, p99, ratio }: Subject, unit: string): string {
  const figure = (value: number) => `${figureOf(value)} ${unit}`;
  const tail = p99 === undefined ? "" : `, p99 ${figure(p99)}`;
  const compared = ratio === undefined ? "" : ` (${ratioOf(ratio)})`;
  return `${figure(median)}${tail}${compared}`;
}

/** Three digits at most that mean something. */
export function figureOf(value: number): string {
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 3));
}

/** How many times as much. */
export function ratioOf(ratio: number): string {
  const small = ratio > 0 && ratio < 0.1;
  return `${small ? Number(ratio.toPrecision(1)) : ratio.toFixed(ratio >= 10 ? 0 : 2)}×`;
}

/** A row's tables for a terminal, as head and lines. */
export function printable({ tables }: Pick<RowResult, "tables">): { head: string[]; lines: string[][] }[] {
  return [...tablesByHead(tables).values()].map((group) => ({
    head: headOf(group),
    lines: group.map(lineOf).map((cells) => cells.map((cell) => cell.replaceAll("`", ""))),
  }));
}
