import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after } from "node:test";
import { nullLogger } from "../../src/base/logger.ts";
import { type Libc, UmountFlag } from "../../src/linux/libc.ts";
import { readMountInfo } from "../../src/linux/mountinfo.ts";
import { type Release, releaseRootfs } from "../../src/rootfs/release.ts";
import type { ReleaseHost, ReleaseRequest } from "../../src/rootfs/release-request.ts";

/** Why nothing can be mounted here; false where it can. */
export const notRoot: string | false = process.getuid?.() === 0 ? false : "needs root";

/** A directory for a test file, removed after it with all that is mounted in it. */
export function scratch(libc: Libc): {
  readonly dir: string;
  make(...names: string[]): string[];
  mounts(): string[];
  /** What releases share, with a run directory of its own. */
  readonly host: ReleaseHost;
  /** Releases a rootfs. */
  release(rootfs: string, options?: Partial<ReleaseHost & ReleaseRequest>): Promise<Release>;
} {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-rootfs-"));
  const mounts = () => mountPointsBelow(dir);
  // A helper does not keep the process that waits for it alive; a test's is to wait.
  const alive = setInterval(() => {}, 60_000);
  after(() => {
    clearInterval(alive);
    while (mounts().length > 0) for (const point of mounts()) libc.umount(point, UmountFlag.detach);
    fs.rmSync(dir, { recursive: true });
  });
  const make = (...names: string[]) =>
    names.map((name) => {
      const made = path.join(dir, name);
      fs.mkdirSync(made, { recursive: true });
      return made;
    });
  const host = { libc, logger: nullLogger, runDirectory: path.join(dir, "run"), turnMs: 60_000 };
  const release = (rootfs: string, options: Partial<ReleaseHost & ReleaseRequest> = {}) =>
    releaseRootfs({ ...host, ...options }, { ...requestFor(rootfs), ...options });
  return { dir, make, mounts, host, release };
}

/** How many descriptors this process has open on mounts or directories (O_PATH ones included). */
export function openDirectories(below: string): number {
  return fs.readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(below);
    } catch {
      return false;
    }
  }).length;
}

/** The mount points below a directory, each once, the deepest first: the order in which they can be unmounted. */
function mountPointsBelow(dir: string): string[] {
  const points = readMountInfo().map(({ mountPoint }) => mountPoint);
  const below = [...new Set(points.filter((point) => point.startsWith(`${dir}/`)))];
  const depth = (point: string) => point.split("/").length;
  return below.sort((a, b) => depth(b) - depth(a));
}

/** How a test releases a rootfs unless it wants something else. */
export function requestFor(rootfs: string): ReleaseRequest {
  return { rootfs, namespace: "test", id: path.basename(rootfs), mode: "deferred" };
}

/** The processes that hold what a release has detached, each once. */
export function helperPids({ mounts }: Release): number[] {
  return [...new Set(mounts.map(({ helper }) => helper.pid))];
}
