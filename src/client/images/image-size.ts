import { hasCode, StatusCode } from "../../base/status.ts";
import type { ContentStore } from "../../images/content-store.ts";
import type { Descriptor } from "../../images/descriptor.ts";
import { MAX_MANIFEST_BYTES, parseIndex, parseManifest } from "../../images/manifest.ts";
import { kindOf } from "../../images/media-types.ts";

/** How many bytes of an image are here, packed, for all the platforms of it that were fetched. */
export async function imageSize(blobs: ContentStore, target: Descriptor): Promise<number> {
  const sizes = new Map<string, number>();
  await collect(blobs, target, sizes);
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

async function collect(blobs: ContentStore, target: Descriptor, sizes: Map<string, number>): Promise<void> {
  const { digest, mediaType, size } = target;
  if (sizes.has(digest) || !(await blobs.has(digest))) return;
  sizes.set(digest, size);
  const bytes = await blobs.read(digest, MAX_MANIFEST_BYTES).catch(ifDamaged);
  if (bytes === undefined) return;
  if (kindOf(mediaType, digest) === "index") {
    for (const manifest of parseIndex(bytes, digest)) await collect(blobs, manifest, sizes);
    return;
  }
  const { config, layers } = parseManifest(bytes, digest);
  for (const part of [config, ...layers]) sizes.set(part.digest, part.size);
}

/** One that has been damaged since, or removed, is no reason to list none. */
function ifDamaged(error: unknown): undefined {
  if (hasCode(error, StatusCode.dataLoss) || hasCode(error, StatusCode.notFound)) return undefined;
  throw error;
}
