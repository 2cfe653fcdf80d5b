import { accessSync, constants, mkdirSync } from "node:fs";
import path from "node:path";
import { UsageError } from "./exit-status.ts";

/** The directory of all state, unless EBB_STATE names another. */
export const DEFAULT_STATE_DIR = "/run/ebb";

/** The state directory that the environment names: an absolute path, or a {@link UsageError}. */
export function stateDir(env: NodeJS.ProcessEnv = process.env): string {
  const dir = env.EBB_STATE || DEFAULT_STATE_DIR;
  if (path.isAbsolute(dir)) return dir;
  throw new UsageError(`EBB_STATE must be an absolute path, not ${JSON.stringify(dir)}`);
}

/** The state directory, which is made where it is missing; a {@link UsageError} where nothing can be written there. */
export function writableStateDir(): string {
  const dir = stateDir();
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    accessSync(dir, constants.W_OK);
    return dir;
  } catch {
    throw new UsageError(`EBB_STATE must be a directory that can be written to, not ${JSON.stringify(dir)}`);
  }
}

/** Throws a {@link UsageError} unless this process is root's: making containers takes root's rights. */
export function requireRoot(command: string): void {
  const uid = process.getuid?.();
  if (uid === 0) return;
  throw new UsageError(`${command} needs root: this is user ${uid}; call it as root or with sudo`);
}
