import { createHash } from "node:crypto";
import type { Digest } from "../digest.ts";

/** What is needed of the store for blobs: to read a layer, and to drop a damaged one. */
export interface LayerBlobs {
  open(digest: Digest): Promise<NodeJS.ReadableStream>;
  remove(digest: Digest): Promise<unknown>;
}

/**
 * Removes a blob that is not what its name says, as a power cut can leave one, and tells whether it was so. Only
 * who has found something wrong with it asks: it is read from its beginning to its end.
 */
export async function removeIfDamaged(store: LayerBlobs, digest: Digest): Promise<boolean> {
  const hash = createHash("sha256");
  for await (const piece of await store.open(digest)) hash.update(piece);
  if (digest === `sha256:${hash.digest("hex")}`) return false;
  await store.remove(digest);
  return true;
}
