import { spawn } from "node:child_process";
import { once } from "node:events";
import { nullLogger } from "../src/base/logger.ts";
import { loadLibc } from "../src/linux/koffi-libc.ts";
import { releaseRootfs } from "../src/rootfs/release.ts";

/** A rootfs that is being let go: whoever asked has an answer. */
export interface LetGo {
  /** Resolves when its data is on the disk. */
  readonly ended: Promise<unknown>;
}

/** A way to let a rootfs go; it adds the processes that do the sync to `pids` as soon as it knows them. */
export type Way = (rootfs: string, pids: Set<number>) => Promise<LetGo>;

/** As other shims do: the answer comes after umount(2). */
export const plainUmount: Way = async (rootfs, pids) => {
  const umount = spawn("umount", [rootfs], { stdio: ["ignore", "ignore", "inherit"] });
  if (umount.pid !== undefined) pids.add(umount.pid);
  const [status] = await once(umount, "exit");
  if (status !== 0) throw new Error(`umount ${rootfs} failed with exit status ${status}`);
  return { ended: Promise.resolve() };
};

/** As ebb does; with a limit of 0 the releases of one disk take no turns. */
export function release(runDirectory: string, turnMs: number): Way {
  const host = { libc: loadLibc(), logger: nullLogger, runDirectory, turnMs };
  return async (rootfs, pids) => {
    const request = { rootfs, namespace: "bench", id: rootfs, mode: "deferred" } as const;
    const { ended, mounts } = await releaseRootfs(host, request);
    for (const { helper } of mounts) pids.add(helper.pid);
    return { ended };
  };
}
