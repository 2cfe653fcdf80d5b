import { readdir, readlink } from "node:fs/promises";
import path from "node:path";
import { errnoOf, readTextFile } from "../../base/files.ts";
import { jsonReader } from "../../base/json.ts";
import { StatusCode } from "../../base/status.ts";

/** Of a container on record: what it was made of. */
export interface ContainerUse {
  readonly id: string;
  /** The canonical name of its image; undefined where it was made of a directory. */
  readonly image: string | undefined;
  readonly lowerDirs: readonly string[];
}

/** A record is some kilobytes long. */
const MAX_RECORD_BYTES = 1 << 20;

/** What is asked of a record; the supervisor, whose it is, knows more of it. */
const reader = jsonReader(
  {
    type: "object",
    properties: {
      image: { type: "string" },
      lowerDirs: { type: "array", items: { type: "string" } },
    },
    required: ["lowerDirs"],
  } as const,
  StatusCode.failedPrecondition,
);

/**
 * What the containers of this host are made of whose data is below the directory of images, whether they run or not,
 * by their records, to which the data leads. A record that cannot be read is an error that names it: nobody may take
 * for unused what its container is made of.
 */
export async function containerUses(imagesDirectory: string): Promise<ContainerUse[]> {
  const directory = path.join(imagesDirectory, "containers");
  const names = await readdir(directory).catch((error) => {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  });
  const uses = await Promise.all(names.sort().map((name) => useOf(path.join(directory, name))));
  return uses.filter((use) => use !== undefined);
}

async function useOf(layer: string): Promise<ContainerUse | undefined> {
  const record = await readlink(path.join(layer, "record")).catch(() => undefined);
  // One that is just being made has no record yet, and one that is on its way out has none any more.
  if (record === undefined) return undefined;
  const current = await readlink(path.join(record, "layer")).catch(() => "");
  // By its name, which is no other's: the directory of the images may go by another one now.
  if (path.basename(current) !== path.basename(layer)) return undefined;
  const file = path.join(record, "container.json");
  const text = readTextFile(file, MAX_RECORD_BYTES);
  if (text === undefined) return undefined;
  const { image, lowerDirs } = reader.parse(text, file);
  return { id: path.basename(record), image, lowerDirs };
}
