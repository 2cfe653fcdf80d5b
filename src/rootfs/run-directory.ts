import fs from "node:fs";
import path from "node:path";
import { StatusCode, StatusError } from "../base/status.ts";
import { fsError } from "../linux/errno.ts";

/**
 * A folder of the run directory, which all shims of a host share; made where it is missing, mode 0700. The run
 * directory has to be on a tmpfs, as `/run` is: what is in it is of no use after a boot, and is read and written
 * without waiting. A folder that others could write to is `failedPrecondition`.
 */
export function runFolder(runDirectory: string, name: "pending" | "locks" | "views" | "consoles"): string {
  const folder = path.join(runDirectory, name);
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const dir of [runDirectory, folder]) checkOwn(dir);
  } catch (thrown) {
    throw fsError(`run directory ${folder}`, thrown);
  }
  return folder;
}

function checkOwn(dir: string): void {
  const stat = fs.lstatSync(dir);
  if (stat.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & 0o022) === 0) return;
  throw new StatusError(
    StatusCode.failedPrecondition,
    `run directory ${dir} is not a directory that only its owner can change`,
  );
}
