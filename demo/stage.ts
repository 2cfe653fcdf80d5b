import { existsSync, mkdtempSync, rmdirSync, rmSync } from "node:fs";
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
    // The OCI runtime's root for the namespace, which shims leave behind empty.
    const runcRoot = path.join("/run/containerd/runc", namespace);
    if (existsSync(runcRoot)) rmdirSync(runcRoot);
    rmSync(dir, { recursive: true, force: true });
  }
}
