import { exactStat } from "../base/file-calls.ts";
import { readMountInfo } from "../linux/mountinfo.ts";
import { deviceName } from "./backing.ts";
import type { PendingRelease } from "./pending.ts";

/**
 * Directories on the file systems that detached mounts were written through to: of an overlay the upper one, of a
 * bind any place where its file system is still mounted. What is mounted nowhere any more was synced as it went.
 */
export async function writtenThrough(mounts: readonly PendingRelease[]): Promise<string[]> {
  const places = mounts.map(({ kind, source, mounted }) => {
    if (kind === "overlay") return source;
    return kind === "shared" ? placeOf(mounted) : undefined;
  });
  return (await Promise.all(places)).filter((place) => place !== undefined);
}

/** A mount point that leads to a file system; another mount may lie upon one. */
async function placeOf(device: string): Promise<string | undefined> {
  for (const mount of readMountInfo()) {
    if (mount.device !== device) continue;
    const found = await exactStat(mount.mountPoint).catch(() => undefined);
    if (found !== undefined && deviceName(found.dev) === device) return mount.mountPoint;
  }
  return undefined;
}
