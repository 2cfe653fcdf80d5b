import { existsSync, mkdirSync, rmdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { claim, disclaim } from "./owner.ts";

/** How a directory that was made for a slow disk begins. */
export const DISK_PREFIX = "ebb-slow-disk-";

/** What a disk has in its directory. */
export class DiskFiles {
  readonly mountPoint: string;
  readonly image: string;
  readonly #directory: string;
  /** Whether the directory was made for the disk, and goes with it. */
  readonly #own: boolean;

  constructor(directory: string, own: boolean) {
    this.mountPoint = path.join(directory, "mount");
    this.image = path.join(directory, "image");
    this.#directory = directory;
    this.#own = own;
  }

  make(size: number): void {
    claim(this.#directory);
    mkdirSync(this.mountPoint, { recursive: true });
    writeFileSync(this.image, "");
    truncateSync(this.image, size);
  }

  /** Removes them, unless the file system is still mounted. Repeatable. */
  remove(): void {
    if (existsSync(this.mountPoint)) rmdirSync(this.mountPoint);
    rmSync(this.image, { force: true });
    disclaim(this.#directory);
    if (this.#own && existsSync(this.#directory)) rmdirSync(this.#directory);
  }
}

/** Removes what is in the directory of a disk that nobody has any more, and the directory if it was made for that. */
export function removeDiskFiles(directory: string): void {
  new DiskFiles(directory, path.basename(directory).startsWith(DISK_PREFIX)).remove();
}
