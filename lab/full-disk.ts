import fs from "node:fs";
import path from "node:path";
import { must } from "./command.ts";

/** An ext4 whose device can be made to take nothing more: what is written to it then fails later, at its sync. */
export interface FullDisk {
  /** Where it is mounted at first. */
  readonly mountPoint: string;
  /** The loop device. */
  readonly device: string;
  /** From now on the device refuses all that it has no room for yet. */
  fill(): void;
  /** From now on it takes everything again. */
  drain(): void;
  /** Removes mounts, device and files. */
  dispose(): Promise<void>;
}

/** The room below the device's file, and what the file would take of it, both in MiB. */
const ROOM_MIB = 80;
const SIZE_MIB = 400;

/** Makes one in a directory: a loop device on a sparse file, on a tmpfs that is too small for it. */
export async function makeFullDisk(dir: string): Promise<FullDisk> {
  const [below, mountPoint] = [path.join(dir, "below"), path.join(dir, "full")] as const;
  for (const point of [below, mountPoint]) fs.mkdirSync(point, { recursive: true });
  await must("mount", ["-t", "tmpfs", "-o", `size=${ROOM_MIB}m`, "none", below]);
  const image = path.join(below, "image");
  await must("truncate", ["-s", `${SIZE_MIB}m`, image]);
  // Without a journal: where that cannot be written the whole file system becomes read-only.
  await must("mkfs.ext4", ["-q", "-O", "^has_journal", "-E", "lazy_itable_init=0", image]);
  const device = (await must("losetup", ["--find", "--show", image])).trim();
  await must("mount", [device, mountPoint]);
  const filling = path.join(below, "filling");
  return {
    mountPoint,
    device,
    fill() {
      const fd = fs.openSync(filling, "w");
      try {
        for (;;) fs.writeSync(fd, Buffer.alloc(1 << 16));
      } catch {
        // It is full.
      } finally {
        fs.closeSync(fd);
      }
    },
    drain: () => fs.rmSync(filling, { force: true }),
    async dispose() {
      fs.rmSync(filling, { force: true });
      for (const point of [mountPoint, below]) await must("umount", ["-l", point]).catch(() => {});
      await must("losetup", ["--detach", device]).catch(() => {});
    },
  };
}
