import { fchown } from "../../base/file-calls.ts";
import { fsError } from "../../linux/errno.ts";

/**
 * Gives what these descriptors are of to the owner that the runtime's options name (`io_uid`, `io_gid`), so that
 * a process in a user namespace may open its own streams once more (`/dev/stdout`). Nothing where they name none.
 */
export async function own(
  fds: readonly number[],
  { uid, gid }: { readonly uid: number; readonly gid: number },
): Promise<void> {
  if (uid === 0 && gid === 0) return;
  try {
    await Promise.all(fds.map((fd) => fchown(fd, uid, gid)));
  } catch (thrown) {
    throw fsError(`give the streams to ${uid}:${gid}`, thrown);
  }
}
