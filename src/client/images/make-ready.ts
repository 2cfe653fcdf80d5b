import { hasCode, StatusCode, StatusError } from "../../base/status.ts";
import type { Platform } from "../../images/descriptor.ts";
import type { Image } from "../../images/image.ts";
import type { ImageRecord } from "../../images/image-store.ts";
import { isSamePlatform, platformName } from "../../images/platform.ts";
import { unpack } from "../../images/unpack/unpack.ts";
import type { FetchOptions } from "./fetch-image.ts";
import type { FoundImage } from "./find-image.ts";
import type { ImageEvent } from "./image-event.ts";
import type { ImageSide } from "./image-side.ts";

/**
 * Unpacks what is not unpacked yet of an image; resolves to its layers' directories, the topmost first. Where that
 * fails for another reason than that nobody wants it any more, the image's name stands again for what it stood for
 * `before`.
 */
export async function unpackImage(
  side: ImageSide,
  { record, image, isFetched }: FoundImage,
  before: ImageRecord | undefined,
  options: FetchOptions,
): Promise<readonly string[]> {
  if (!isFetched) options.onProgress(layersOf(record, image));
  try {
    refuseForeign(record, image, options);
    return await unpackLayers(side, image, options);
  } catch (error) {
    if (isFetched && !hasCode(error, StatusCode.cancelled)) await putBack(side, record, before);
    throw error;
  }
}

/** The event that says what the layers of an image are. */
export function layersOf({ reference, target }: ImageRecord, { layers }: Image): ImageEvent {
  const known = layers.map(({ digest, size }) => ({ digest, size }));
  return { kind: "layers", reference, digest: target.digest, layers: known };
}

/** An image that is for one platform alone is fetched without a look at which. */
function refuseForeign({ reference }: ImageRecord, image: Image, { platform }: FetchOptions): void {
  if (isFor(image, platform)) return;
  const { os = "", architecture = "", variant } = image.config;
  const its = platformName({ os, architecture, variant });
  const message = `image ${reference} is for ${its} alone, not for ${platformName(platform)}`;
  throw new StatusError(StatusCode.failedPrecondition, message);
}

/** Whether an image is for a platform, or does not say for which it is. */
export function isFor({ config }: Image, platform: Platform): boolean {
  const { os, architecture, variant } = config;
  return (
    os === undefined || architecture === undefined || isSamePlatform({ os, architecture, variant }, platform)
  );
}

async function unpackLayers(
  { blobs, settings, layersDirectory }: ImageSide,
  image: Image,
  { onProgress, signal }: FetchOptions,
): Promise<readonly string[]> {
  const { maxUnpackedBytes, syncAfterUnpack, limits } = settings;
  const { lowerDirs } = await unpack(blobs, image, {
    layersDirectory,
    maxBytes: maxUnpackedBytes,
    maxFiles: limits.maxUnpackedFiles,
    maxMemoryBytes: limits.maxUnpackMemoryBytes,
    syncAfterUnpack,
    layersAtOnce: limits.layersAtOnce,
    ...(signal && { signal }),
    onProgress: ({ layer, state, bytes }) =>
      onProgress({ kind: "layer", digest: layer, phase: state, bytes }),
  });
  return lowerDirs;
}

/** A record that somebody else has written meanwhile is theirs. */
async function putBack(
  { images }: ImageSide,
  { reference, target }: ImageRecord,
  before: ImageRecord | undefined,
): Promise<void> {
  const now = await images.get(reference);
  if (now?.target.digest !== target.digest || before?.target.digest === target.digest) return;
  if (before === undefined) await images.remove(reference);
  else await images.put(before);
}
