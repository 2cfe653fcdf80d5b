import fs from "node:fs";
import path from "node:path";

/**
 * The folder, beside the sockets of shims, in which servers stand by, each at a socket of its own. It is there where the
 * settings have had any do so since the last boot; everywhere else `start` has to look no further.
 */
export function standbyFolder(groupSocket: string): string {
  return path.join(path.dirname(groupSocket), "standby");
}

/** Has `start` ask for servers that stand by, from the next one on and until the host boots. */
export function makeStandbyFolder(groupSocket: string): void {
  try {
    fs.mkdirSync(standbyFolder(groupSocket), { mode: 0o700 });
  } catch {
    // It is there; or nobody stands by.
  }
}
