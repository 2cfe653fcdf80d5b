import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * What the disk has of a file: its pages in memory that have been written out are dropped before it is read.
 * For this one file only (posix_fadvise(2)): /proc/sys/vm/drop_caches goes through every mounted file system, and
 * waits for each that is just being unmounted, for as long as its disk takes.
 */
export function readFromDisk(file: string): Buffer {
  execFileSync("dd", [`if=${file}`, "iflag=nocache", "count=0", "status=none"], { timeout: 20_000 });
  return readFileSync(file);
}
