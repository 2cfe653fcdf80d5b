import fs from "node:fs";
import path from "node:path";
import { close, open } from "../base/file-calls.ts";
import { syncDescriptor } from "../linux/sync-file-system.ts";
import { isBind, upperOf } from "./backing.ts";
import type { MountSpec } from "./mount-plan.ts";

/** A file system that is watched. */
interface Watched {
  readonly fd: number;
  /** A directory on it. */
  readonly place: string;
  /** It is mounted for the rootfs alone, and goes with it: a block device's. */
  readonly isOwn: boolean;
  /** A call under way, which a disk that hangs may keep for ever. */
  syncing?: Promise<void>;
}

/**
 * Watches, for mode strict, whether what is written to a rootfs reaches its disk, from its mount on. The kernel keeps an
 * error of writing out for each descriptor that is open when it happens, and syncfs(2) tells it, once; of one that
 * somebody else has been told a descriptor that is opened later knows nothing (Linux 5.8 and later).
 */
export class WriteWatch {
  readonly #self: readonly [string, ...string[]];
  #watched: Watched[] = [];
  #ended = false;

  /** `self` is this program, whose command `syncfs` makes the call. */
  constructor(self: readonly [string, ...string[]]) {
    this.#self = self;
  }

  /** Begins with what is there before the rootfs is mounted: where an overlay's writes go, and a bind's. */
  async watchBelow(mounts: readonly MountSpec[]): Promise<void> {
    for (const { type, source, options } of mounts) {
      const place = type === "overlay" ? upperOf(options) : isBind(options) ? source : undefined;
      if (place !== undefined) await this.#watch(place, false);
    }
  }

  /** Goes on with what is there only since the mount. */
  async watchMounted(mounts: readonly MountSpec[], rootfs: string): Promise<void> {
    for (const { type, target, options } of mounts) {
      if (type !== "overlay" && !isBind(options)) await this.#watch(path.join(rootfs, target), true);
    }
  }

  /**
   * Writes out the file systems that go with the rootfs, to be called before it is detached, or all others, to be
   * called then. Throws where something has not been written since the mount, or since this was last told; what is
   * in order is watched no more.
   */
  async sync(which: "own" | "others"): Promise<void> {
    const these = this.#watched.filter(({ isOwn }) => isOwn === (which === "own"));
    await Promise.all(
      these.map((one) => {
        one.syncing ??= this.#sync(one).finally(() => {
          delete one.syncing;
        });
        return one.syncing;
      }),
    );
  }

  /** Watches nothing any more. */
  async end(): Promise<void> {
    this.#ended = true;
    const left = this.#watched;
    this.#watched = [];
    await Promise.all(left.map(({ fd }) => close(fd)));
  }

  async #watch(place: string, isOwn: boolean): Promise<void> {
    const { O_RDONLY, O_DIRECTORY } = fs.constants;
    const fd = await open(place, O_RDONLY | O_DIRECTORY);
    // A disk may have kept that for longer than anybody has waited.
    if (this.#ended) await close(fd);
    else this.#watched.push({ fd, place, isOwn });
  }

  async #sync(one: Watched): Promise<void> {
    await syncDescriptor(one.fd, one.place, this.#self);
    this.#watched = this.#watched.filter((other) => other !== one);
    await close(one.fd);
  }
}
