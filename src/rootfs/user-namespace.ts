import fs from "node:fs";
import { sleep } from "../base/deadline.ts";
import { close, open } from "../base/file-calls.ts";
import { hasCode, StatusCode, StatusError } from "../base/status.ts";
import { fsError } from "../linux/errno.ts";
import type { Libc } from "../linux/libc.ts";
import type { IdMaps } from "./id-maps.ts";

/** How often a killed child is looked for, a millisecond apart, before it is left to whoever collects orphans. */
const LOOKS = 1_000;

/**
 * Gives `use` a descriptor of a user namespace with these maps: that is how the kernel is told what ids of an
 * idmapped mount become (mount_setattr(2)). The namespace lives as long as something uses it.
 */
export async function withUserNamespace<T>(
  libc: Libc,
  maps: IdMaps,
  use: (userNamespace: number) => Promise<T>,
): Promise<T> {
  const fd = await openUserNamespace(libc, maps);
  try {
    return await use(fd);
  } finally {
    await close(fd);
  }
}

/** A user namespace is made for a process, and outlives it by a descriptor. */
async function openUserNamespace(libc: Libc, { uids, gids }: IdMaps): Promise<number> {
  const pid = await libc.idmaps.startInUserNamespace().catch((err: unknown) => {
    throw explainNoNamespace(StatusError.from(err));
  });
  try {
    await writeMap(`/proc/${pid}/uid_map`, uids);
    await writeMap(`/proc/${pid}/gid_map`, gids);
    return await open(`/proc/${pid}/ns/user`, fs.constants.O_RDONLY);
  } catch (err) {
    throw fsError(`the user namespace of pid ${pid}`, err);
  } finally {
    await end(libc, pid);
  }
}

async function writeMap(file: string, map: string): Promise<void> {
  await fs.promises.writeFile(file, map).catch((err: unknown) => {
    throw fsError(`write ${JSON.stringify(map)} to ${file}`, err);
  });
}

/** It is our child until we have waited for it: its pid is nobody else's. */
async function end(libc: Libc, pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  for (let looks = 0; looks < LOOKS; looks += 1) {
    try {
      if (libc.waitpid(pid) !== undefined) return;
    } catch (err) {
      if (hasCode(err, StatusCode.notFound)) return;
      throw err;
    }
    await sleep(1);
  }
}

/** What the kernel says where namespaces are used up (user.max_user_namespaces) is not about disks. */
function explainNoNamespace(err: StatusError): StatusError {
  const why = "an idmapped mount needs a user namespace, see user.max_user_namespaces";
  return new StatusError(err.code, `${err.message}: ${why}`, { cause: err });
}
