import fs from "node:fs";
import path from "node:path";
import { faultPoint } from "../../base/fault-point.ts";
import { errnoOf } from "../../base/files.ts";
import { readMountInfo } from "../../linux/mountinfo.ts";
import { isSameLiveProcess } from "../../linux/process-stat.ts";
import { type Digest, hexOf } from "../digest.ts";
import { makeDirectory, namesIn, onFile, uniqueName } from "../files.ts";
import type { Extracted } from "./extract.ts";
import { removeTree } from "./remove-tree.ts";

/** A layer that is there as a whole. */
export interface Layer extends Extracted {
  /** A lower directory for overlay. */
  readonly directory: string;
}

/** A layer on its way. */
export interface NewLayer {
  /** Empty, and nobody else's. */
  readonly directory: string;
  /** Puts it in its place, at once and as a whole. */
  publish(extracted: Extracted): Promise<void>;
  /** Removes it with all that is in it. */
  discard(): Promise<void>;
}

/** What becomes of layers that are no longer wanted. */
export interface Removal {
  readonly removed: readonly Digest[];
  /** Those that are in use. */
  readonly kept: readonly Digest[];
}

/** Beside a layer's files: that it hides all below, which overlay has no sign for at a layer's root. */
const OPAQUE_FILE = "opaque";

/**
 * The unpacked layers of a host: `sha256/HEX/fs` by their chain ids (OCI image specification, config.md). What is in
 * `tmp` is on its way in or out; it bears the pid and start time of the process that is at it, and whatever has lost
 * its process is removed by the next one that comes.
 */
export class LayerStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** A layer, if it is there. */
  async find(chainId: Digest): Promise<Layer | undefined> {
    const place = this.#placeOf(chainId);
    const names = await namesIn(place);
    return names.length === 0
      ? undefined
      : { directory: path.join(place, "fs"), isOpaque: names.includes(OPAQUE_FILE) };
  }

  /** The chain ids of all layers that are there. */
  async list(): Promise<Digest[]> {
    const names = await namesIn(path.join(this.#directory, "sha256"));
    return names.map((name): Digest => `sha256:${name}`);
  }

  /** Makes room for a layer. */
  async begin(chainId: Digest): Promise<NewLayer> {
    const room = await this.#makeRoom(chainId);
    const directory = path.join(room, "fs");
    const discard = () => removeTree(room);
    await onFile("make", directory, async () => {
      await fs.promises.mkdir(directory, { recursive: true, mode: 0o700 });
      await fs.promises.chmod(directory, 0o755);
    }).catch((thrown) => discard().finally(() => Promise.reject(thrown)));
    const publish = async ({ isOpaque }: Extracted) => {
      if (isOpaque)
        await onFile("write", room, () => fs.promises.writeFile(path.join(room, OPAQUE_FILE), ""));
      faultPoint("layer-unpacked");
      if (!(await this.#move(room, this.#placeOf(chainId)))) await discard();
    };
    return { directory, publish, discard };
  }

  /** Removes what processes have left that live no more. What cannot be removed now is left to the next one. */
  async sweep(): Promise<void> {
    const tmp = path.join(this.#directory, "tmp");
    const stale = (await namesIn(tmp)).filter((name) => !isOfLiveProcess(name));
    await Promise.allSettled(stale.map((name) => removeTree(path.join(tmp, name))));
  }

  /**
   * Removes layers, each first by its name and then its files, so that nobody ever finds half of one. Those that
   * `isInUse` tells of, by the containers on record, are kept, as are those of overlays that are mounted here. Those
   * that are not there are left out.
   */
  async remove(chainIds: readonly Digest[], isInUse: (chainId: Digest) => boolean): Promise<Removal> {
    const removed: Digest[] = [];
    const kept: Digest[] = [];
    for (const chainId of chainIds) {
      if ((await this.find(chainId)) === undefined) continue;
      if (isInUse(chainId) || isMounted(chainId)) kept.push(chainId);
      else if (await this.#remove(chainId)) removed.push(chainId);
    }
    return { removed, kept };
  }

  /** False where another process was first. */
  async #remove(chainId: Digest): Promise<boolean> {
    const room = await this.#makeRoom(chainId);
    if (!(await this.#move(this.#placeOf(chainId), room))) return false;
    await removeTree(room);
    return true;
  }

  #placeOf(chainId: Digest): string {
    return path.join(this.#directory, "sha256", hexOf(chainId));
  }

  /** A name in `tmp` that is not used, whose directory is there. */
  async #makeRoom(chainId: Digest): Promise<string> {
    const tmp = path.join(this.#directory, "tmp");
    await makeDirectory(tmp);
    return path.join(tmp, `${hexOf(chainId)}.${uniqueName()}`);
  }

  /** False where somebody else has done it: nothing to move is there, or its place is taken. */
  async #move(from: string, to: string): Promise<boolean> {
    await makeDirectory(path.dirname(to));
    return await onFile("make", to, async () => {
      const moved = fs.promises.rename(from, to).then(() => true);
      return await moved.catch((thrown) => {
        if (["ENOENT", "ENOTEMPTY", "EEXIST"].includes(errnoOf(thrown) ?? "")) return false;
        throw thrown;
      });
    });
  }
}

function isOfLiveProcess(name: string): boolean {
  const [, pid, started] = name.split(".").map(Number);
  return isSameLiveProcess(pid ?? 0, started ?? 0);
}

/** Whether an overlay of this mount namespace has the layer. Its name is long enough to be no other's. */
function isMounted(chainId: Digest): boolean {
  return readMountInfo().some(({ superOptions }) => superOptions.includes(hexOf(chainId)));
}
