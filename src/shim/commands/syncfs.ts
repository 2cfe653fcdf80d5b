import { loadLibc } from "../../linux/koffi-libc.ts";

/**
 * The `syncfs` command: writes out the file system that its stdin is on, and fails where something of it could not be
 * written since that was opened (`rootfs/write-watch.ts`).
 */
export function syncfs(): void {
  loadLibc().syncfs(0);
}
