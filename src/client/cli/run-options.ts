import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import path from "node:path";
import { checkIdentifier } from "../identifier.ts";
import { resolveShimBinary } from "../shim-binary.ts";
import { naming } from "./command.ts";
import { UsageError } from "./exit-status.ts";

/** The flags of `ebb run` as they are typed. */
export interface RunFlags {
  readonly rootfs: string;
  readonly runtime: string;
  readonly namespace: string;
  readonly name?: string;
  readonly env?: readonly string[];
  readonly cwd?: string;
  readonly readOnly?: boolean;
  readonly shimLog?: boolean;
}

/** The flags after every one of them was looked at. */
export interface CheckedRun {
  readonly rootfs: string;
  /** Path of the shim's binary. */
  readonly runtime: string;
  readonly namespace: string;
  readonly id: string;
  readonly env: readonly string[];
  readonly cwd: string;
  readonly readOnly: boolean;
  readonly shimLog: boolean;
}

/** The directory of all state, unless EBB_STATE names another. */
export const DEFAULT_STATE_DIR = "/run/ebb";

/** Checks each flag; throws a {@link UsageError} that names the one that is wrong. */
export function checkRunFlags(flags: RunFlags): CheckedRun {
  return {
    rootfs: checkRootfs(flags.rootfs),
    runtime: naming("--runtime", () => resolveShimBinary(flags.runtime)),
    namespace: naming("--namespace", () => checkIdentifier("namespace", flags.namespace)),
    id: naming("--name", () =>
      checkIdentifier("name", flags.name ?? `ebb-${randomBytes(4).toString("hex")}`),
    ),
    env: (flags.env ?? []).map(checkVariable),
    cwd: checkCwd(flags.cwd ?? "/"),
    readOnly: flags.readOnly ?? false,
    shimLog: flags.shimLog ?? false,
  };
}

/** The state directory that the environment names: an absolute path, or a {@link UsageError}. */
export function stateDir(env: NodeJS.ProcessEnv = process.env): string {
  const dir = env.EBB_STATE || DEFAULT_STATE_DIR;
  if (path.isAbsolute(dir)) return dir;
  throw new UsageError(`EBB_STATE must be an absolute path, not ${JSON.stringify(dir)}`);
}

/** Throws a {@link UsageError} unless this process is root's: making containers takes root's rights. */
export function requireRoot(command: string): void {
  const uid = process.getuid?.();
  if (uid === 0) return;
  throw new UsageError(`${command} needs root: this is user ${uid}; call it as root or with sudo`);
}

function checkRootfs(dir: string): string {
  const file = path.resolve(dir);
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) throw new UsageError(`--rootfs ${dir} does not exist`);
  if (!stats.isDirectory()) throw new UsageError(`--rootfs ${dir} is no directory`);
  return file;
}

function checkVariable(word: string): string {
  if (/^[^=]+=/.test(word)) return word;
  throw new UsageError(`--env takes NAME=VALUE, not ${JSON.stringify(word)}`);
}

function checkCwd(dir: string): string {
  if (path.posix.isAbsolute(dir)) return dir;
  throw new UsageError(`--cwd must be an absolute path in the container, not ${JSON.stringify(dir)}`);
}
