import fs from "node:fs";
import path from "node:path";

/**
 * The folder, beside the sockets of shims, in which servers stand by. It is there where the settings have had any do so
 * since the last boot; everywhere else `start` has to look no further.
 */
export function standbyFolder(groupSocket: string): string {
  return path.join(path.dirname(groupSocket), "standby");
}

/** Makes it, for the server of a group. */
export function makeStandbyFolder(groupSocket: string): void {
  fs.mkdirSync(standbyFolder(groupSocket), { recursive: true, mode: 0o700 });
}
