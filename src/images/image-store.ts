import path from "node:path";
import type { JSONSchema } from "json-schema-to-ts";
import { jsonReader } from "../base/json.ts";
import { type Descriptor, descriptorSchema, toDescriptor } from "./descriptor.ts";
import { digestOf, hexOf } from "./digest.ts";
import { namesIn, readText, removeFile, writeAtomically } from "./files.ts";
import { parseReference } from "./reference.ts";

/** What an image is called, and what it is: a manifest or an index of the content store. */
export interface ImageRecord {
  readonly reference: string;
  readonly target: Descriptor;
  readonly createdAt: string;
}

const recordSchema = {
  type: "object",
  properties: {
    reference: { type: "string" },
    target: descriptorSchema,
    createdAt: { type: "string" },
  },
  required: ["reference", "target", "createdAt"],
} as const satisfies JSONSchema;

const reader = jsonReader(recordSchema);

/** A record is a name and a descriptor. */
const MAX_RECORD_BYTES = 1 << 20;

/**
 * The images of a host, by their names: a small file for each in `images`, which is replaced as a whole. References
 * are taken in any form and kept in the one that {@link parseReference} gives them. A file that a power cut has left
 * half written counts as none.
 */
export class ImageStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = path.join(directory, "images");
  }

  async get(reference: string): Promise<ImageRecord | undefined> {
    return await this.#read(this.#fileOf(reference));
  }

  /** Writes a record; one of the same reference is replaced. */
  async put({ reference, target, createdAt }: ImageRecord): Promise<void> {
    const { name } = parseReference(reference);
    await writeAtomically(this.#fileOf(name), JSON.stringify({ reference: name, target, createdAt }));
  }

  /** All records, in the order of their references. */
  async list(): Promise<ImageRecord[]> {
    const names = (await namesIn(this.#directory)).filter((name) => name.endsWith(".json"));
    const records = await Promise.all(names.map((name) => this.#read(path.join(this.#directory, name))));
    const found = records.filter((record) => record !== undefined);
    return found.sort((a, b) => (a.reference < b.reference ? -1 : 1));
  }

  /** Removes a record, and whether there was one; what it refers to stays until garbage is collected. */
  async remove(reference: string): Promise<boolean> {
    return await removeFile(this.#fileOf(reference));
  }

  #fileOf(reference: string): string {
    return path.join(this.#directory, `${hexOf(digestOf(parseReference(reference).name))}.json`);
  }

  async #read(file: string): Promise<ImageRecord | undefined> {
    const text = await readText(file, MAX_RECORD_BYTES);
    if (text === undefined) return undefined;
    try {
      const { reference, target, createdAt } = reader.parse(text, file);
      return { reference, target: toDescriptor(target), createdAt };
    } catch {
      return undefined;
    }
  }
}
