import { StatusCode, StatusError } from "../base/status.ts";
import type { Platform } from "../images/descriptor.ts";
import { parseReference } from "../images/reference.ts";
import { findImage } from "./images/find-image.ts";
import type { ImageConfig } from "./images/image-config.ts";
import type { ImageEvent } from "./images/image-event.ts";
import { type ImageSide, keepAll, openImageSide } from "./images/image-side.ts";
import { unpackImage } from "./images/make-ready.ts";
import { imageConfigOf } from "./images/read-image-config.ts";
import { readPlatform } from "./images/read-platform.ts";
import { sweepImages } from "./images/sweep-images.ts";

export type { ImageConfig } from "./images/image-config.ts";
export type { ImageEvent, LayerPhase } from "./images/image-event.ts";

/** An image of this host that containers can be made of. */
export interface ReadyImage {
  /** The canonical name, `docker.io/library/busybox:latest`. */
  readonly reference: string;
  /** The digest of what the reference stood for when it was fetched: a manifest or an index. */
  readonly digest: string;
  readonly config: ImageConfig;
  /** The directories of its layers, as an overlay takes them: the topmost first. */
  readonly lowerDirs: readonly string[];
}

/** An image that nobody can remove until it is let go. */
export interface HeldImage extends ReadyImage {
  /** To be called once a container of it is on record, which keeps its layers from then on. */
  readonly release: () => void;
}

/** How to get an image. */
export interface EnsureImageOptions {
  /** Whether to ask its registry: never, only where the image is not there (the default), or each time. */
  readonly pull?: "missing" | "always" | "never";
  /** `os/architecture[/variant]`; this host's where it is missing. */
  readonly platform?: string;
  readonly onProgress?: (event: ImageEvent) => void;
  readonly signal?: AbortSignal;
}

/**
 * The image that a reference stands for, fetched where it is to be, and unpacked: with the settings and the directory
 * of this host's configuration. `invalidArgument` for what is no reference; `notFound` where neither this host nor
 * the registry has it; the errors of fetching and unpacking. What several ask for at once is done once. Where it
 * fails, the host has what it had before.
 */
export async function ensureImage(reference: string, options: EnsureImageOptions = {}): Promise<ReadyImage> {
  const { release, ...image } = await holdImage(reference, options);
  release();
  return image;
}

/**
 * Errors after which another attempt goes on from what has come so far. After any other there is no room for it, or it
 * can be no part of an image that is of use.
 */
const GOES_ON: ReadonlySet<StatusCode> = new Set([
  StatusCode.cancelled,
  StatusCode.unavailable,
  StatusCode.deadlineExceeded,
  StatusCode.notFound,
  StatusCode.dataLoss,
  StatusCode.unauthenticated,
  StatusCode.permissionDenied,
]);

/** The same, kept from being removed until it is let go, or this process ends. */
export async function holdImage(reference: string, options: EnsureImageOptions = {}): Promise<HeldImage> {
  const { name } = parseReference(reference);
  const platform = readPlatform(options.platform);
  const side = await openImageSide();
  const release = await keepAll(side, options.signal);
  try {
    const image = await makeReady(side, name, { ...options, platform });
    return { ...image, release: () => void release() };
  } catch (error) {
    await release();
    if (!GOES_ON.has(StatusError.from(error).code)) await sweepImages(0).catch(() => {});
    throw error;
  }
}

async function makeReady(
  side: ImageSide,
  name: string,
  options: Omit<EnsureImageOptions, "platform"> & { readonly platform: Platform },
): Promise<ReadyImage> {
  const { pull = "missing", platform, onProgress = () => {}, signal } = options;
  const before = await side.images.get(name);
  const found = await findImage(side, name, { pull, platform, onProgress, signal });
  const lowerDirs = await unpackImage(side, found, before, { platform, onProgress, signal });
  const { reference, target } = found.record;
  return { reference, digest: target.digest, config: imageConfigOf(found.image.config), lowerDirs };
}
