import { busyboxPath } from "./busybox-rootfs.ts";
import { whyNoContainerd } from "./private-containerd.ts";
import { whyNoSlowDisk } from "./slow-disk.ts";

/** What this machine cannot do that some tests need, each with its reason; empty where it can do everything. */
export function whyNot(): string[] {
  const root = process.getuid?.() === 0 ? undefined : "containers and mounts need root";
  const busybox = busyboxPath() === undefined ? "root file systems need a static busybox" : undefined;
  const reasons = [root, busybox, whyNoContainerd(), whyNoSlowDisk()];
  return [...new Set(reasons.filter((reason) => reason !== undefined))];
}
