import { readdir } from "node:fs/promises";
import path from "node:path";
import { readImagesConfig } from "../../../config/images-directory.ts";
import { ImageStore } from "../../../images/image-store.ts";
import { SHIM_NAME, shimsInPath } from "../../shims-in-path.ts";
import { stateDir } from "../state-dir.ts";

/** What there are names of on a host. */
export const NAME_KINDS = ["container", "image", "shim"] as const;

/** One of them. */
export type NameKind = (typeof NAME_KINDS)[number];

/** What a name without a registry means. */
const USUAL_BEGINNING = /^docker\.io\/(?:library\/)?/;

const LISTS: Readonly<Record<NameKind, () => Promise<readonly string[]>>> = {
  container: listContainers,
  image: listImageNames,
  shim: listRuntimes,
};

/** The names of one kind, sorted, each once. Nobody is asked for them and nothing is started: files are read. */
export async function listNames(kind: NameKind): Promise<string[]> {
  return [...new Set(await LISTS[kind]())].sort();
}

/** The containers on record: each has a directory of its own. */
async function listContainers(): Promise<readonly string[]> {
  const names = await readdir(path.join(stateDir(), "containers"));
  return names.filter((name) => !name.startsWith("."));
}

/** The images on record, by the names that people have for them, and in full. */
async function listImageNames(): Promise<readonly string[]> {
  const { directory } = await readImagesConfig(process.env);
  const records = await new ImageStore(directory).list();
  return records.flatMap(({ reference }) => [reference, reference.replace(USUAL_BEGINNING, "")]);
}

/** The shims in PATH, by the names of their runtimes. */
async function listRuntimes(): Promise<readonly string[]> {
  const shims = await shimsInPath(process.env.PATH ?? "");
  return shims.map(({ name }) => name.replace(SHIM_NAME, "io.containerd.$1.$2"));
}
