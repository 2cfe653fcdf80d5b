/**
 * What becomes of a container's unwritten data when it is deleted:
 * - `deferred`: Delete answers at once, the kernel writes it out afterwards;
 * - `strict`: Delete answers when it is written out;
 * - `volatile`: nothing is written out for the container's sake, neither then nor when it asks by fsync.
 */
export const RELEASE_MODES = ["deferred", "strict", "volatile"] as const;

/** One of {@link RELEASE_MODES}. */
export type ReleaseMode = (typeof RELEASE_MODES)[number];

/** Whether a word names a release mode. */
export function isReleaseMode(word: string): word is ReleaseMode {
  return (RELEASE_MODES as readonly string[]).includes(word);
}

/** The annotation in a bundle's config.json by which one container has a release mode of its own. */
export const RELEASE_ANNOTATION = "io.containerd.ebb.release";
