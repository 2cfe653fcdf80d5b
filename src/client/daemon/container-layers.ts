import { randomBytes } from "node:crypto";
import { mkdir, readdir, readlink, symlink } from "node:fs/promises";
import path from "node:path";
import { errnoOf } from "../../base/files.ts";
import { fsError } from "../../linux/errno.ts";

/** Tells in a layer whose it is: a link to the record. */
const RECORD = "record";

/**
 * The directories of what containers write, `containers/ID.NUMBER` on the disk of the images: `upper`, `work` and
 * `output` of each, and `record`, which leads to the record that it belongs to for as long as that leads to it. One
 * whose record is gone is to be removed, when the kernel is done with it.
 */
export class ContainerLayers {
  readonly #directory: string;

  constructor(imagesDir: string) {
    this.#directory = path.join(imagesDir, "containers");
  }

  /** Where a new container's may be made: no two ever get the same. */
  place(id: string): string {
    return path.join(this.#directory, `${id}.${randomBytes(6).toString("hex")}`);
  }

  /** Makes one, for root alone; there already is well. */
  async make(layer: string, recordDirectory: string): Promise<void> {
    try {
      await mkdir(layer, { recursive: true, mode: 0o700 });
      await symlink(recordDirectory, path.join(layer, RECORD)).catch((thrown: unknown) => {
        if (errnoOf(thrown) !== "EEXIST") throw thrown;
      });
    } catch (thrown) {
      throw fsError(`make ${layer}`, thrown);
    }
  }

  /** Those of records in a directory that are no record's any more. */
  async orphans(recordsDirectory: string): Promise<string[]> {
    const names = await readdir(this.#directory).catch(() => []);
    const found: string[] = [];
    for (const name of names) {
      const layer = path.join(this.#directory, name);
      const record = await readlink(path.join(layer, RECORD)).catch(() => undefined);
      if (record === undefined || path.dirname(record) !== recordsDirectory) continue;
      const current = await readlink(path.join(record, "layer")).catch(() => "");
      // By its name, which is no other's: the directory of the images may go by another one now.
      if (path.basename(current) !== name) found.push(layer);
    }
    return found;
  }
}
