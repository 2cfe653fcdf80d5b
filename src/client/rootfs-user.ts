import { nullLogger } from "../base/logger.ts";
import { hasCode, StatusCode } from "../base/status.ts";
import { loadLibc } from "../linux/koffi-libc.ts";
import type { containerd } from "../proto/index.ts";
import { withView } from "../rootfs/view.ts";
import { readInView } from "../rootfs/view-file.ts";
import type { SpecUser } from "./spec.ts";
import { isById, resolveUser } from "./user.ts";

/** The longest passwd or group file that is read: some ten thousand users. */
const MAX_FILE_BYTES = 1 << 20;

/** Which root file system a user is looked up in, and where from. */
export interface RootfsUserOptions {
  /** The root file system as it is, or would be, mounted to run. */
  readonly mounts: readonly containerd.types.IMount[];
  /** An existing directory, on a tmpfs so that making one in it waits for no disk. */
  readonly scratchDir: string;
  /** How long it may take, in milliseconds. */
  readonly limitMs: number;
}

/**
 * Who a user, as typed, is in a root file system, by its own passwd and group, which are read through a read-only view:
 * no disk is synced for it, also while a container writes there. Errors are those of `resolveUser`, and say it where
 * one of the files is none, is too long, or leads through too many links.
 */
export async function lookUpUser(user: string, options: RootfsUserOptions): Promise<SpecUser> {
  if (isById(user)) return resolveUser(user, { passwd: "", group: "" });
  const { scratchDir, limitMs } = options;
  const mounts = options.mounts.map(({ type, source, target, options: words }) => ({
    ...{ type: type ?? "", source: source ?? "", target: target ?? "", options: words ?? [] },
  }));
  return withView(loadLibc(), { mounts, scratchDir, limitMs, logger: nullLogger }, async (dir) =>
    resolveUser(user, {
      passwd: await readText(dir, "/etc/passwd"),
      group: await readText(dir, "/etc/group"),
    }),
  );
}

async function readText(dir: string, file: string): Promise<string> {
  try {
    return (await readInView(dir, file, MAX_FILE_BYTES)).toString("utf8");
  } catch (error) {
    if (hasCode(error, StatusCode.notFound)) return "";
    throw error;
  }
}
