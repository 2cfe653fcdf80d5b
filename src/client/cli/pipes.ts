import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";

/** The name of a directory for pipes, with the pid of whose it is. */
const NAME = /^io-(\d+)-/;

/**
 * A new name in the state directory for the pipes of a process. Those of commands that were killed are removed: what
 * still uses them has them open.
 */
export async function newPipesDirectory(stateDir: string): Promise<string> {
  const names = await readdir(stateDir).catch(() => []);
  const stale = names.filter((name) => isStale(NAME.exec(name)?.[1]));
  await Promise.all(stale.map((name) => rm(path.join(stateDir, name), { recursive: true, force: true })));
  return path.join(stateDir, `io-${process.pid}-${randomBytes(6).toString("hex")}`);
}

function isStale(pid: string | undefined): boolean {
  return pid !== undefined && !existsSync(`/proc/${pid}`);
}
