import { mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { errnoOf } from "../../base/files.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { fsError } from "../../linux/errno.ts";
import { type ContainerConfig, parseContainerConfig } from "./container-config.ts";
import { type ContainerState, parseContainerState } from "./container-state.ts";

/** What is on record of a container. */
export interface ContainerRecord {
  readonly config: ContainerConfig;
  /** Undefined where its making was cut short. */
  readonly state: ContainerState | undefined;
}

/** A record that cannot be understood, and why. */
export interface BrokenRecord {
  readonly id: string;
  readonly problem: string;
}

/** All that is on record. */
export interface RecordList {
  readonly records: readonly ContainerRecord[];
  readonly broken: readonly BrokenRecord[];
  /** The ids of those whose making was cut short before anything was on record. */
  readonly empty: readonly string[];
}

/**
 * The containers of a supervisor as others find them: `containers/ID/container.json` says what each was made of,
 * `state.json` how far it is, and `layer` leads to the directory of what it writes. They lie in the state directory,
 * on a tmpfs: no process outlives the host, and what becomes of a container must not wait for the disk that its data
 * is on. Every file is written as a whole or not at all, for root alone.
 */
export class ContainerRecords {
  readonly #containers: string;
  #counter = 0;

  constructor(stateDir: string) {
    this.#containers = path.join(stateDir, "containers");
  }

  /** Makes the directory, and removes what an earlier supervisor was about to remove. */
  async prepare(): Promise<void> {
    await about(`make ${this.#containers}`, mkdir(this.#containers, { recursive: true, mode: 0o700 }));
    for (const name of await readdir(this.#containers)) {
      if (name.startsWith(".")) await rm(path.join(this.#containers, name), { recursive: true, force: true });
    }
  }

  /** Where all records are. */
  get all(): string {
    return this.#containers;
  }

  /** The directory of a container's record. */
  directory(id: string): string {
    return path.join(this.#containers, id);
  }

  /** Where the directory of what a container writes is, or is to be; undefined where there is no record. */
  async layerOf(id: string): Promise<string | undefined> {
    return ifThere("read", path.join(this.directory(id), "layer"), (file) => readlink(file));
  }

  /** Puts a new container on record; `alreadyExists` where there is one with this id. */
  async add(config: ContainerConfig, layer: string): Promise<void> {
    const dir = this.directory(config.id);
    await mkdir(dir, { mode: 0o700 }).catch((thrown: unknown) => {
      if (errnoOf(thrown) !== "EEXIST") throw fsError(`make ${dir}`, thrown);
      const message = `container ${config.id} exists already (${dir})`;
      throw new StatusError(StatusCode.alreadyExists, message, { cause: thrown });
    });
    try {
      await about(`write ${dir}/layer`, symlink(layer, path.join(dir, "layer")));
      await writeWhole(path.join(dir, "container.json"), config);
    } catch (error) {
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
  }

  /** Puts on record how far a container is. */
  async save(id: string, state: ContainerState): Promise<void> {
    await writeWhole(path.join(this.directory(id), "state.json"), state);
  }

  /**
   * Takes a container off the record, and its id is free at once; tells where all lies that it has written. Undefined
   * where there is no such record.
   */
  async discard(id: string): Promise<string | undefined> {
    const layer = await this.layerOf(id);
    this.#counter += 1;
    const to = path.join(this.#containers, `.${id}.${process.pid}.${this.#counter}`);
    const isThere = await ifThere("remove", this.directory(id), (dir) => rename(dir, to).then(() => true));
    if (isThere) await about(`remove ${to}`, rm(to, { recursive: true }));
    return layer;
  }

  /** All containers on record, the oldest first. One that cannot be understood hides no other. */
  async list(): Promise<RecordList> {
    const records: ContainerRecord[] = [];
    const broken: BrokenRecord[] = [];
    const empty: string[] = [];
    for (const id of await namesIn(this.#containers)) {
      try {
        const record = await this.#read(id);
        if (record === undefined) empty.push(id);
        else records.push(record);
      } catch (error) {
        broken.push({ id, problem: StatusError.from(error).message });
      }
    }
    records.sort((a, b) => Date.parse(a.config.createdAt) - Date.parse(b.config.createdAt));
    return { records, broken, empty };
  }

  async #read(id: string): Promise<ContainerRecord | undefined> {
    const [file, stateFile] = ["container.json", "state.json"].map((name) =>
      path.join(this.directory(id), name),
    ) as [string, string];
    const [text, stateText] = [await readIfThere(file), await readIfThere(stateFile)];
    if (text === undefined) return undefined;
    const config = parseContainerConfig(text, file);
    if (config.id !== id) {
      throw new StatusError(StatusCode.dataLoss, `${file} is about another container, ${config.id}`);
    }
    const state = stateText === undefined ? undefined : parseContainerState(stateText, stateFile);
    return { config, state };
  }
}

async function writeWhole(file: string, value: unknown): Promise<void> {
  const temporary = `${file}.${process.pid}.new`;
  await about(`write ${file}`, writeFile(temporary, JSON.stringify(value), { mode: 0o600 }));
  await about(`write ${file}`, rename(temporary, file));
}

function readIfThere(file: string): Promise<string | undefined> {
  return ifThere("read", file, () => readFile(file, "utf8"));
}

/** The directories in one that may be missing; those that are on their way out have names that begin with a dot. */
async function namesIn(dir: string): Promise<string[]> {
  const entries = await ifThere("read", dir, () => readdir(dir, { withFileTypes: true }));
  const names = (entries ?? []).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return names.filter((name) => !name.startsWith("."));
}

/** Does something with a file; undefined where there is none. */
async function ifThere<T>(
  action: string,
  file: string,
  work: (file: string) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work(file);
  } catch (thrown) {
    if (errnoOf(thrown) === "ENOENT") return undefined;
    throw fsError(`${action} ${file}`, thrown);
  }
}

async function about<T>(what: string, work: Promise<T>): Promise<T> {
  return work.catch((thrown: unknown) => {
    throw fsError(what, thrown);
  });
}
