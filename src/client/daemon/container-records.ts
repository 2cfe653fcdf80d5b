import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
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
 * The containers of a host as they are on disk: `containers/ID/container.json` says what each was made of, `state.json`
 * how far it is. Every file is written as a whole or not at all, for root alone. Nothing is synced: no process
 * outlives the host.
 */
export class ContainerRecords {
  readonly #containers: string;
  readonly #removed: string;
  #counter = 0;

  constructor(imagesDir: string) {
    this.#containers = path.join(imagesDir, "containers");
    this.#removed = path.join(imagesDir, "removed");
  }

  /** Makes the directories, so that there is a place for what is removed also when the disk is full. */
  async prepare(): Promise<void> {
    for (const dir of [this.#containers, this.#removed]) {
      await onDisk(`make ${dir}`, mkdir(dir, { recursive: true, mode: 0o700 }));
    }
  }

  /** Where what was removed lies until it can go. */
  get removed(): string {
    return this.#removed;
  }

  /** The directory of a container. */
  directory(id: string): string {
    return path.join(this.#containers, id);
  }

  /** Puts a new container on record; `alreadyExists` where there is one with this id. */
  async add(config: ContainerConfig): Promise<void> {
    const dir = this.directory(config.id);
    await mkdir(dir, { mode: 0o700 }).catch((thrown: unknown) => {
      if (errnoOf(thrown) !== "EEXIST") throw fsError(`make ${dir}`, thrown);
      const message = `container ${config.id} exists already (${dir})`;
      throw new StatusError(StatusCode.alreadyExists, message, { cause: thrown });
    });
    try {
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
   * Takes a container off the record with all it has written, which lies where this says until somebody removes it;
   * the id is free at once. Undefined where there is no such record.
   */
  async discard(id: string): Promise<string | undefined> {
    this.#counter += 1;
    const to = path.join(this.#removed, `${id}.${process.pid}.${Date.now()}.${this.#counter}`);
    try {
      await rename(this.directory(id), to);
      return to;
    } catch (thrown) {
      if (errnoOf(thrown) === "ENOENT") return undefined;
      throw fsError(`remove ${this.directory(id)}`, thrown);
    }
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
  await onDisk(`write ${file}`, writeFile(temporary, JSON.stringify(value), { mode: 0o600 }));
  await onDisk(`write ${file}`, rename(temporary, file));
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    if (errnoOf(thrown) === "ENOENT") return undefined;
    throw fsError(`read ${file}`, thrown);
  }
}

/** The directories in one that may be missing. */
async function namesIn(dir: string): Promise<string[]> {
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (thrown) {
    if (errnoOf(thrown) === "ENOENT") return [];
    throw fsError(`read ${dir}`, thrown);
  }
}

async function onDisk<T>(what: string, work: Promise<T>): Promise<T> {
  return work.catch((thrown: unknown) => {
    throw fsError(what, thrown);
  });
}
