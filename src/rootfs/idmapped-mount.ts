import { close } from "../base/file-calls.ts";
import { type Libc, MountFlag, UmountFlag } from "../linux/libc.ts";
import type { IdMaps } from "./id-maps.ts";
import { explainNotMapped } from "./idmap-errors.ts";
import { mountOverlayIdmapped } from "./idmapped-layers.ts";
import { mountCall } from "./mount-call.ts";
import type { OverlayCall } from "./overlay-context.ts";
import { withUserNamespace } from "./user-namespace.ts";

/** Off the main thread: what was made and not attached goes with its descriptor, and a file system with its mount. */

/** Which ids, and where something may be mounted for a moment. */
export interface IdmapOptions {
  readonly idMaps: IdMaps;
  readonly scratchDir: () => string;
}

/**
 * Mounts so that the ids of files appear as the maps say (Linux 5.12; `unimplemented` before). Of an overlay the lower
 * directories are mapped, and what is written has the ids that the container has: as containerd's snapshotters mean
 * the options. A file system that cannot is `failedPrecondition`.
 */
export function mountIdmapped(libc: Libc, call: OverlayCall, options: IdmapOptions): Promise<void> {
  const { idMaps, scratchDir } = options;
  return withUserNamespace(libc, idMaps, (userNamespace) =>
    call.type === "overlay"
      ? mountOverlayIdmapped(libc, call, { userNamespace, scratchDir })
      : mountTreeIdmapped(libc, call, userNamespace),
  );
}

/** Only a mount that is not in the tree can have its ids mapped: it is made outside of it, and put in its place. */
async function mountTreeIdmapped(libc: Libc, call: OverlayCall, userNamespace: number): Promise<void> {
  const recursive = (call.flags & MountFlag.rec) !== 0;
  const isBind = (call.flags & MountFlag.bind) !== 0;
  const tree = isBind ? await libc.idmaps.cloneTree(call.source, { recursive }) : await takeOut(libc, call);
  try {
    await libc.idmaps.mapIds(tree, { userNamespace, recursive }).catch((err: unknown) => {
      throw explainNotMapped(call.source, err);
    });
    await libc.moveMount(tree, call.target);
  } finally {
    await close(tree);
  }
}

/** Mounts in the usual way and takes it out of the tree again. The descriptor holds it: the unmount is no last one. */
async function takeOut(libc: Libc, call: OverlayCall): Promise<number> {
  await mountCall(libc, call);
  try {
    return await libc.idmaps.cloneTree(call.target);
  } finally {
    libc.umount(call.target, UmountFlag.detach | UmountFlag.noFollow);
  }
}
