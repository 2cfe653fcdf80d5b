import { sleep, within } from "../base/deadline.ts";
import { findMountHolders, type MountHolders } from "../linux/mount-holders.ts";

/**
 * How long to look for others who have a copy of a mount, in milliseconds: reading the tables of thousands of
 * processes takes some tens.
 */
const LOOK_MS = 2_000;
/** How long an OCI runtime at most has copies of the host's mounts while it makes a container; tens are usual. */
const TRANSIENT_MS = 500;
const PAUSE_MS = 20;

/**
 * Who has a copy of a mount that has left our tree, by its `major:minor`, and has it for longer than a container that
 * is just being made, which has one of every mount where the host does not share them. `deadlineExceeded` where the
 * search itself takes too long.
 */
export function lastingCopies(device: string): Promise<MountHolders> {
  return within(lookAgain(device), LOOK_MS, `looking for copies of the mount of ${device}`);
}

async function lookAgain(device: string): Promise<MountHolders> {
  const giveUp = performance.now() + TRANSIENT_MS;
  for (;;) {
    const found = await findMountHolders(device);
    if (found.holders.length === 0 || performance.now() >= giveUp) return found;
    await sleep(PAUSE_MS);
  }
}
