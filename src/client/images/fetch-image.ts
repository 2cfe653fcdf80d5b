import { StatusCode, StatusError } from "../../base/status.ts";
import type { Platform } from "../../images/descriptor.ts";
import type { ImageRecord } from "../../images/image-store.ts";
import type { ImageEvent } from "./image-event.ts";
import type { ImageSide } from "./image-side.ts";

/** What is fetched, and who wants it. */
export interface FetchOptions {
  readonly platform: Platform;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress: (event: ImageEvent) => void;
}

/** Fetches an image from its registry, by this host's settings and the users of `docker login`, and keeps its record. */
export async function fetchImage(
  _side: ImageSide,
  reference: string,
  _options: FetchOptions,
): Promise<ImageRecord> {
  throw new StatusError(StatusCode.unimplemented, `${reference}: images cannot be fetched yet`);
}
