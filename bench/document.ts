import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describeMachine } from "./machine.ts";
import { plot } from "./plot.ts";
import type { RowResult } from "./result.ts";
import { headOf, lineOf, tablesByHead } from "./table.ts";

/** Where the results are, in a directory. */
export const FILES = { json: "performance.json", page: "performance.md", picture: "performance.svg" };

/**
 * Puts a row's result among those of a directory, in the order that the names have, and derives page and picture anew.
 * Says what the page has no place for.
 */
export function save(directory: string, result: RowResult, order: readonly string[]): string[] {
  const json = path.join(directory, FILES.json);
  const rows = merge(readResults(json), result, order);
  write(json, `${JSON.stringify({ rows }, undefined, 2)}\n`);
  return derive(directory);
}

/** Writes page and picture of a directory anew from the results there. Says what the page has no place for. */
export function derive(directory: string): string[] {
  const results = readResults(path.join(directory, FILES.json));
  const page = path.join(directory, FILES.page);
  const sections = sectionsOf(results);
  const before = existsSync(page) ? readFileSync(page, "utf8") : "";
  write(page, fill(before, sections));
  write(path.join(directory, FILES.picture), plot(results));
  return [...sections.keys()].filter((name) => !hasMarkers(before, name));
}

/** The results in a file; none where there is none. */
export function readResults(file: string): RowResult[] {
  if (!existsSync(file)) return [];
  return (JSON.parse(readFileSync(file, "utf8")) as { rows: RowResult[] }).rows;
}

/** A new result takes the place of an older one of its row; all others stay. A row that has no place is the last. */
export function merge(
  results: readonly RowResult[],
  result: RowResult,
  order: readonly string[],
): RowResult[] {
  const place = ({ name }: RowResult) => (order.includes(name) ? order.indexOf(name) : order.length);
  const others = results.filter(({ name }) => name !== result.name);
  return [...others, result].sort((a, b) => place(a) - place(b));
}

/** What goes between which markers. */
export function sectionsOf(results: readonly RowResult[]): Map<string, string> {
  const sections = new Map(results.map((result) => [result.name, section(result)]));
  const machines = new Map<string, string[]>();
  for (const { name, machine, at } of results) {
    const described = `${describeMachine(machine)} (${at})`;
    machines.set(described, [...(machines.get(described) ?? []), `\`${name}\``]);
  }
  const lines = [...machines].map(([machine, names]) => `- ${names.join(", ")}: ${machine}`);
  return sections.set("machine", lines.join("\n"));
}

/** A row's tables: one for those of the same subjects, with a line a figure. */
function section({ how, tables }: RowResult): string {
  const parts = [...tablesByHead(tables)].map(([, group]) => {
    const head = headOf(group);
    const lines = [head, head.map(() => "---"), ...group.map(lineOf)];
    return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  });
  return [how, ...parts].join("\n\n");
}

/** The page with each section between its markers; one that has no markers is left out. */
export function fill(page: string, sections: ReadonlyMap<string, string>): string {
  return [...sections].reduce(
    // By a function: text may hold what stands for something in a replacement.
    (text, [name, content]) =>
      text.replace(between(name), (_, open: string, close: string) => `${open}\n\n${content}\n\n${close}`),
    page,
  );
}

function hasMarkers(page: string, name: string): boolean {
  return between(name).test(page);
}

function between(name: string): RegExp {
  return new RegExp(`(<!-- ${name} -->)[^]*?(<!-- /${name} -->)`);
}

/** By a rename: nobody finds half of it. */
function write(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
