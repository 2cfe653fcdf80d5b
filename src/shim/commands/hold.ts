import fs from "node:fs";

/**
 * The `hold` command: waits for the end of stdin and ends, and with it lets go what it has inherited. It stands in
 * for the shell as the helper of a release (`rootfs/release-helper.ts`) on hosts that have none.
 */
export function hold(): void {
  const byte = Buffer.alloc(1);
  while (fs.readSync(0, byte) > 0);
}
