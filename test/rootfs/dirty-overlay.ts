import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import type { SlowDisk } from "../../lab/slow-disk.ts";
import type { scratch } from "./scratch.ts";

/** An overlay that is mounted, with data in it that is not written yet. */
export interface DirtyOverlay {
  readonly rootfs: string;
  readonly upper: string;
  /** Whether the upper directory has all of the data. */
  readonly readBack: () => boolean;
}

/** Mounts an overlay with its upper directory on a disk, and writes to it. */
export async function dirtyOverlay(
  place: ReturnType<typeof scratch>,
  disk: SlowDisk,
  name: string,
): Promise<DirtyOverlay> {
  const [lower = "", rootfs = ""] = place.make(`${name}/lower`, `${name}/rootfs`);
  const [upper = "", work = ""] = ["upper", "work"].map((part) => path.join(disk.mountPoint, name, part));
  for (const dir of [upper, work]) fs.mkdirSync(dir, { recursive: true });
  const data = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  await place.host.libc.mount({ source: "overlay", target: rootfs, type: "overlay", flags: 0, data });
  const bytes = randomBytes(1 << 20);
  fs.writeFileSync(path.join(rootfs, "data"), bytes);
  return { rootfs, upper, readBack: () => fs.readFileSync(path.join(upper, "data")).equals(bytes) };
}
