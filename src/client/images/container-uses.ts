import { readdir } from "node:fs/promises";
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
 * What the containers of this host are made of, by their records below the directory of images, whether they run or
 * not. A record that cannot be read is an error that names it: nobody may take for unused what its container is made
 * of.
 */
export async function containerUses(imagesDirectory: string): Promise<ContainerUse[]> {
  const directory = path.join(imagesDirectory, "containers");
  const ids = await readdir(directory).catch((error) => {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  });
  return ids.sort().flatMap((id) => {
    const file = path.join(directory, id, "container.json");
    const text = readTextFile(file, MAX_RECORD_BYTES);
    // One that is just being made, or removed, has no record.
    if (text === undefined) return [];
    const { image, lowerDirs } = reader.parse(text, file);
    return [{ id, image, lowerDirs }];
  });
}
