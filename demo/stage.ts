import { existsSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { makeBusyboxRootfs } from "../lab/busybox-rootfs.ts";

/** What the scenes share: a place for their files, a root file system, and the wish to stop. */
export interface Stage {
  readonly dir: string;
  readonly rootfs: string;
  readonly namespace: string;
  readonly signal: AbortSignal;
}

/** Sets the stage, plays, and clears it again, whatever happened. */
export async function withStage<T>(signal: AbortSignal, play: (stage: Stage) => Promise<T>): Promise<T> {
  const namespace = `ebb-demo-${process.pid}`;
  const dir = mkdtempSync(path.join(os.tmpdir(), "ebb-demo-"));
  try {
    const rootfs = path.join(dir, "rootfs");
    await makeBusyboxRootfs(rootfs);
    return await play({ dir, rootfs, namespace, signal });
  } finally {
    for (const directory of namespaceDirectories(namespace)) removeIfEmpty(directory);
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Where runc keeps what belongs to a namespace; it leaves these directories behind, empty. */
function namespaceDirectories(namespace: string): string[] {
  const cgroups = "/sys/fs/cgroup";
  const hierarchies = readdirSync(cgroups, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const parents = [
    "/run/containerd/runc",
    cgroups,
    ...hierarchies.map(({ name }) => path.join(cgroups, name)),
  ];
  return parents.map((parent) => path.join(parent, namespace)).filter((directory) => existsSync(directory));
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // A container could not be removed, which its removal has told.
  }
}
