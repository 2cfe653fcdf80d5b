import { sleep, within } from "../base/deadline.ts";
import { findAllMountHolders, type MountHolder } from "../linux/mount-holders.ts";

/**
 * How long to look for others who have a copy of a mount, in milliseconds: reading the tables of thousands of
 * processes takes some tens.
 */
const LOOK_MS = 2_000;
/** How long an OCI runtime at most has copies of the host's mounts while it makes a container; tens are usual. */
const TRANSIENT_MS = 500;
const PAUSE_MS = 20;

/** Who has copies of mounts that have left our tree. */
export interface Copies {
  /** By the `major:minor` of the mount; one of which nobody has a copy is not there. */
  readonly byDevice: ReadonlyMap<string, readonly MountHolder[]>;
  /** How many processes there are of whose mounts nothing is known. */
  readonly unknown: number;
}

/** What nobody has. */
export const NO_COPIES: Copies = { byDevice: new Map(), unknown: 0 };

/**
 * Looks for copies of mounts by their `major:minor`. Whoever asks has to hold the mounts meanwhile: the kernel gives
 * the number of an overlay that is gone to the next one. `lasting` leaves out who has a copy in passing, as a
 * container that is just being made has one of every mount where the host does not share them. `deadlineExceeded`
 * where the search itself takes too long.
 */
export async function copiesOf(
  devices: readonly string[],
  { lasting }: { readonly lasting: boolean },
): Promise<Copies> {
  if (devices.length === 0) return NO_COPIES;
  const looking = lasting ? lookAgain(devices) : findAllMountHolders(devices);
  return within(looking, LOOK_MS, `looking for copies of the mounts of ${devices.join(", ")}`);
}

async function lookAgain(devices: readonly string[]): Promise<Copies> {
  const giveUp = performance.now() + TRANSIENT_MS;
  for (;;) {
    const found = await findAllMountHolders(devices);
    if (found.byDevice.size === 0 || performance.now() >= giveUp) return found;
    await sleep(PAUSE_MS);
  }
}
