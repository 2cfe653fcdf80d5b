import { makeSlowDisk, type SlowDisk } from "../lab/slow-disk.ts";
import type { BenchLab } from "./lab.ts";

/** Works with a disk that can be made slow, and leaves nothing of it; once the signal is aborted it is fast. */
export async function withSlowDisk<T>(
  { signal }: Pick<BenchLab, "signal">,
  work: (disk: SlowDisk) => Promise<T>,
): Promise<T> {
  const disk = await makeSlowDisk();
  const lift = () => disk.lift();
  signal.addEventListener("abort", lift);
  try {
    return await work(disk);
  } finally {
    signal.removeEventListener("abort", lift);
    await disk.dispose();
  }
}

/** The part of a slow disk that makes it one. */
interface Throttle {
  throttle(bytesPerSecond: number): unknown;
  lift(): unknown;
}

/** Does something while the disk takes so many bytes a second, if a limit is given. */
export async function throttled<T>(
  disk: Throttle,
  limit: number | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (limit !== undefined) disk.throttle(limit);
  try {
    return await work();
  } finally {
    disk.lift();
  }
}
