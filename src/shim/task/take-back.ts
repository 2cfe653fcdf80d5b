import { hasCode, StatusCode } from "../../base/status.ts";
import { cgroupsPathOf } from "../../oci/config.ts";
import type { Runc } from "../../oci/runc.ts";

/** How long who is still in the control groups of a container that was not made may take to end. */
const LEFT_GROUPS_MS = 1_000;

/** A container that the OCI runtime makes of a bundle. */
export interface InTheMaking {
  readonly id: string;
  readonly bundle: string;
  readonly runc: Runc;
}

/**
 * To be called before the OCI runtime makes a container, and what it gives where that has failed, with the error: it has
 * the runtime forget what it has made. A container of this id that it has already is somebody else's, and not for us to
 * kill: it says so, unless it was ended before it has come to that.
 */
export function takingBack({ id, bundle, runc }: InTheMaking): (why: unknown) => Promise<void> {
  const isSomebodyElses = runc.isKnown(id);
  return async (why) => {
    if (isSomebodyElses || hasCode(why, StatusCode.alreadyExists)) return;
    const wasAborted = runc.isAborted(id);
    await runc.delete(id, { force: true }).catch(() => {});
    if (!wasAborted) return;
    const { removeLeftGroups } = await import("../../linux/cgroup/left-groups.ts");
    await removeLeftGroups(cgroupsPathOf(bundle), LEFT_GROUPS_MS);
  };
}
