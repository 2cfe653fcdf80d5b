import fs from "node:fs";
import type { Settings } from "../settings.ts";

/** Is there where SELinux is enabled, whether it refuses anything or only tells. */
const SELINUX = "/sys/fs/selinux/enforce";

/**
 * Whether a process without a terminal has pipes, which the shim copies from and to the daemon's fifos, in place of
 * those. SELinux lets containers use the pipes of their runtime, and not fifos that are elsewhere (`container_t` and
 * those of `/run/containerd`): what they write would be nowhere.
 */
export function isRelayed({ stdio }: Pick<Settings, "stdio">, selinux = SELINUX): boolean {
  return stdio === "relayed" || (stdio === "auto" && fs.existsSync(selinux));
}
