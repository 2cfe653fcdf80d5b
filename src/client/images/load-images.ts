import { hasCode, StatusCode, StatusError } from "../../base/status.ts";
import { readImage } from "../../images/image.ts";
import type { ImageRecord } from "../../images/image-store.ts";
import { loadImages as loadPacked } from "../../images/load/load.ts";
import { hostPlatform } from "../../images/platform.ts";
import { parseReference } from "../../images/reference.ts";
import type { FetchOptions } from "./fetch-image.ts";
import type { ImageEvent } from "./image-event.ts";
import { type ImageSide, keepAll, openImageSide } from "./image-side.ts";
import { isFor, layersOf, unpackImage } from "./make-ready.ts";
import { sweepImages } from "./sweep-images.ts";

/** An image that was loaded. */
export interface LoadedName {
  /** The canonical name. */
  readonly reference: string;
  readonly digest: string;
}

/** How to load images. */
export interface LoadImagesOptions {
  /** What the image is called, whatever the archive says; for an archive of one image. */
  readonly name?: string;
  readonly onProgress?: (event: ImageEvent) => void;
  readonly signal?: AbortSignal;
}

/**
 * Takes in the images of an OCI image layout, a directory or an archive, or of what `docker save` writes, and unpacks
 * those that are for this host. Where it fails, the host has what it had before.
 */
export async function loadImages(place: string, options: LoadImagesOptions = {}): Promise<LoadedName[]> {
  if (options.name !== undefined) parseReference(options.name);
  const side = await openImageSide();
  const release = await keepAll(side, options.signal);
  try {
    const before = await side.images.list();
    const records = await loadPacked(place, side.directory, {
      maxBytes: side.settings.maxUnpackedBytes,
      ...(options.name !== undefined && { reference: options.name }),
      ...(options.signal && { signal: options.signal }),
    });
    for (const record of records) await unpackRecord(side, record, before, options);
    await release();
    return records.map(({ reference, target }) => ({ reference, digest: target.digest }));
  } catch (error) {
    await release();
    // A file is read again from its beginning, so nothing of it is worth keeping.
    await sweepImages(0).catch(() => {});
    throw naming(place, error);
  }
}

/** An error that names the file, whatever of it is wrong. */
function naming(place: string, error: unknown): StatusError {
  const { code, message } = StatusError.from(error);
  if (message.includes(place) || code === StatusCode.cancelled) return StatusError.from(error);
  return new StatusError(code, `${place}: ${message}`, { cause: error });
}

async function unpackRecord(
  side: ImageSide,
  record: ImageRecord,
  before: readonly ImageRecord[],
  { onProgress = () => {}, signal }: LoadImagesOptions,
): Promise<void> {
  const options: FetchOptions = { platform: hostPlatform(), onProgress, signal };
  const image = await readImage(side.blobs, record.target, options.platform).catch(ifForOthers);
  if (image === undefined || !isFor(image, options.platform)) return;
  onProgress(layersOf(record, image));
  const former = before.find(({ reference }) => reference === record.reference);
  await unpackImage(side, { record, image, isFetched: true }, former, options);
}

/** An image that is for other machines alone can be kept for them. */
function ifForOthers(error: unknown): undefined {
  if (hasCode(error, StatusCode.notFound)) return undefined;
  throw error;
}
