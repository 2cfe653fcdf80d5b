/** What the docs say about the settings, made from the schema. */
import fs from "node:fs";
import path from "node:path";
import { isObject } from "../src/base/json-finding.ts";
import { IMAGES_DIRECTORY_VARIABLE } from "../src/config/images-directory.ts";
import { configSchema } from "../src/config/schema.ts";
import { VARIABLES } from "../src/shim/settings.ts";

const docs = path.join(import.meta.dirname, "../docs");

/** The published schema. */
export const schemaFile = path.join(docs, "config.schema.json");
/** The page about the configuration, which has a table of all settings. */
export const pageFile = path.join(docs, "config.md");

/** The names of settings are theirs alone, whatever section they are in. */
const variables: Readonly<Record<string, string>> = { ...VARIABLES, directory: IMAGES_DIRECTORY_VARIABLE };

/** One setting: its place in the file, its default, and why both are there. */
export interface Setting {
  readonly place: string;
  readonly value: unknown;
  readonly variable: string;
  readonly what: string;
  readonly why: string;
}

/** Every setting of a schema that has a default of its own, by its place. */
export function settings(schema: unknown = configSchema, place: readonly string[] = []): Setting[] {
  if (!isObject(schema)) return [];
  if (isObject(schema.properties)) {
    return Object.entries(schema.properties).flatMap(([name, inner]) => settings(inner, [...place, name]));
  }
  if (schema.default === undefined) return [];
  const variable = variables[place.at(-1) ?? ""] ?? "";
  const [what, why] = [schema.description ?? "", schema.$comment ?? ""].map(String);
  return [{ place: place.join("."), value: schema.default, variable, what: what ?? "", why: why ?? "" }];
}

/** The page with its table as the schema has it. */
export function withTable(page: string): string {
  const code = (text: unknown) => (text === "" ? "" : `\`${text}\``);
  const rows = settings().map(({ place, value, variable, what, why }) => [
    code(place),
    code(valueText(value)),
    code(variable),
    what,
    why,
  ]);
  const head = ["setting", "default", "variable", "what it is", "why this default"];
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return page.replace(/^\| setting \|(?:.*\n)*?(?=\n)/m, () => `${lines.join("\n")}\n`);
}

/** A value as it stands in the file, words without their quotes. */
export function valueText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Writes both. */
export function writeDocs(): void {
  fs.writeFileSync(schemaFile, `${JSON.stringify(configSchema, null, 2)}\n`);
  fs.writeFileSync(pageFile, withTable(fs.readFileSync(pageFile, "utf8")));
}
