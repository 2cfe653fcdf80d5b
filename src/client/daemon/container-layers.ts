import { randomBytes } from "node:crypto";
import { readdir, readFile, readlink, stat, symlink } from "node:fs/promises";
import path from "node:path";
import { errnoOf } from "../../base/files.ts";
import { makeDirectory } from "../../images/files.ts";
import { fsError } from "../../linux/errno.ts";

/** Tells in a layer whose it is: a link to the record. */
const RECORD = "record";
/** Tells in a layer which directory of records it was made for, in which boot, as a path may lead to another one. */
const OWNER = "owner";

/**
 * The directories of what containers write, `containers/ID.NUMBER` on the disk of the images: `upper`, `work` and
 * `output` of each, and `record`, which leads to the record that it belongs to for as long as that leads to it. One
 * whose record is gone is to be removed, when the kernel is done with it; only not where the record may just be
 * elsewhere, as when there is another file system at the place of the state directory.
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
      await makeDirectory(layer);
      await link(await ownerOf(path.dirname(recordDirectory)), path.join(layer, OWNER));
      await link(recordDirectory, path.join(layer, RECORD));
    } catch (thrown) {
      throw fsError(`make ${layer}`, thrown);
    }
  }

  /** Those of records in a directory that are no record's any more. */
  async orphans(recordsDirectory: string): Promise<string[]> {
    const names = await readdir(this.#directory).catch(() => []);
    const ours = await ownerOf(recordsDirectory).catch(() => undefined);
    if (ours === undefined) return [];
    const found: string[] = [];
    for (const name of names) {
      const layer = path.join(this.#directory, name);
      const record = await readlink(path.join(layer, RECORD)).catch(() => undefined);
      if (record === undefined || path.dirname(record) !== recordsDirectory) continue;
      const owner = await readlink(path.join(layer, OWNER)).catch(() => undefined);
      const isOurs = owner === ours || (owner !== undefined && bootOf(owner) !== bootOf(ours));
      if (!isOurs) continue;
      const current = await readlink(path.join(record, "layer")).catch(() => "");
      // By its name, which is no other's: the directory of the images may go by another one now.
      if (path.basename(current) !== name) found.push(layer);
    }
    return found;
  }
}

/** A directory of records by what it is rather than by its name. */
async function ownerOf(recordsDirectory: string): Promise<string> {
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
  const { dev, ino } = await stat(recordsDirectory);
  return `${boot.trim()}:${dev}:${ino}`;
}

/** What was made in another boot runs no more. */
function bootOf(owner: string): string {
  return owner.slice(0, owner.indexOf(":"));
}

async function link(to: string, file: string): Promise<void> {
  await symlink(to, file).catch((thrown: unknown) => {
    if (errnoOf(thrown) !== "EEXIST") throw thrown;
  });
}
