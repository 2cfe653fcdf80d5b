/** How the owner of a flight tells those who wait in other processes what has come of it: by small files. */
import fs from "node:fs";
import path from "node:path";
import type { JSONSchema } from "json-schema-to-ts";
import { jsonReader } from "../base/json.ts";
import { StatusCode } from "../base/status.ts";
import { ifThere, namesIn, readText, removeFile, writeAtomically } from "./files.ts";

/** A value that JSON has, or an error. */
export interface Outcome {
  readonly value?: unknown;
  readonly error?: { readonly code: StatusCode; readonly message: string };
}

const outcomeSchema = {
  type: "object",
  properties: {
    error: {
      type: "object",
      properties: { code: { enum: Object.values(StatusCode) }, message: { type: "string" } },
      required: ["code", "message"],
    },
  },
} as const satisfies JSONSchema;

const reader = jsonReader(outcomeSchema);

/** What is shared are names of files and descriptors, or an error. */
const MAX_OUTCOME_BYTES = 16 << 20;
/** Who has not fetched an outcome by then does the work itself. */
const OUTCOME_MS = 10_000;

/** Writes an outcome down if anybody waits for it, which each tells by a file. */
export async function writeOutcome(told: string, outcome: Outcome): Promise<void> {
  const names = await namesIn(path.dirname(told));
  const isWanted = names.some(
    (name) => name.startsWith(`${path.basename(told)}.`) && name.endsWith(".waiting"),
  );
  if (isWanted) await writeAtomically(`${told}.outcome`, JSON.stringify(outcome));
}

/** An outcome; undefined where there is none, or half of one. */
export async function readOutcome(told: string): Promise<Outcome | undefined> {
  const file = `${told}.outcome`;
  const text = await readText(file, MAX_OUTCOME_BYTES);
  if (text === undefined) return undefined;
  try {
    const { error } = reader.parse(text, file);
    return error === undefined ? { value: JSON.parse(text).value } : { error };
  } catch {
    return undefined;
  }
}

/** Removes outcomes that nobody waits for any more: those who did have them by now. */
export async function sweepOutcomes(directory: string): Promise<void> {
  const names = (await namesIn(directory)).filter((name) => name.endsWith(".outcome"));
  for (const name of names) {
    const file = path.join(directory, name);
    const stat = await ifThere("read", file, () => fs.promises.stat(file));
    if (stat !== undefined && Date.now() - stat.mtimeMs > OUTCOME_MS) await removeFile(file);
  }
}
