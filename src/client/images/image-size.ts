import type { ContentStore } from "../../images/content-store.ts";
import type { Descriptor } from "../../images/descriptor.ts";
import { findNeeded } from "../../images/reachable.ts";

/** How many bytes of an image are here, packed, for all the platforms of it that were fetched. */
export async function imageSize(blobs: ContentStore, target: Descriptor): Promise<number> {
  const needed = await findNeeded(blobs, [target]);
  const sizes = await Promise.all([...needed.blobs].map((digest) => blobs.sizeOf(digest)));
  return sizes.reduce<number>((sum, size = 0) => sum + size, 0);
}
