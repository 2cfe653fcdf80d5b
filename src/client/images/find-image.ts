import { hasCode, StatusCode, StatusError } from "../../base/status.ts";
import { type Image, readImage } from "../../images/image.ts";
import type { ImageRecord } from "../../images/image-store.ts";
import { type FetchOptions, fetchImage } from "./fetch-image.ts";
import type { ImageSide } from "./image-side.ts";

/** An image that is here, packed, and its record. */
export interface FoundImage {
  readonly record: ImageRecord;
  readonly image: Image;
  /** Whether it was asked for from its registry just now. */
  readonly isFetched: boolean;
}

/** How to look for an image: `pull` says whether to ask its registry. */
export interface FindOptions extends FetchOptions {
  readonly pull: "missing" | "always" | "never";
}

/** An image by its canonical name, fetched where it is to be; `notFound` where it is not here and may not be. */
export async function findImage(
  side: ImageSide,
  name: string,
  { pull, ...options }: FindOptions,
): Promise<FoundImage> {
  const here = pull === "always" ? undefined : await findHere(side, name, options);
  if (here !== undefined) return here;
  if (pull === "never") throw new StatusError(StatusCode.notFound, `image ${name} is not here`);
  const record = await fetchImage(side, name, options);
  const image = await readImage(side.blobs, record.target, options.platform);
  return { record, image, isFetched: true };
}

/** Undefined where there is none, or not all of it for this platform. */
async function findHere(
  side: ImageSide,
  name: string,
  { platform }: FetchOptions,
): Promise<FoundImage | undefined> {
  const record = await side.images.get(name);
  if (record === undefined) return undefined;
  const image = await readImage(side.blobs, record.target, platform).catch(ifIncomplete);
  if (image === undefined) return undefined;
  const layers = await Promise.all(image.layers.map(({ digest }) => side.blobs.has(digest)));
  return layers.every(Boolean) ? { record, image, isFetched: false } : undefined;
}

/** What is missing or damaged can be fetched again. */
function ifIncomplete(error: unknown): undefined {
  if (hasCode(error, StatusCode.notFound) || hasCode(error, StatusCode.dataLoss)) return undefined;
  throw error;
}
