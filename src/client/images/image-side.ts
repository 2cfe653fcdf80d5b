import path from "node:path";
import { deferred } from "../../base/deferred.ts";
import { readImagesConfig } from "../../config/images-directory.ts";
import type { ImagesConfig } from "../../config/schema.ts";
import { ContentStore } from "../../images/content-store.ts";
import { ImageStore } from "../../images/image-store.ts";
import { LayerStore } from "../../images/unpack/layer-store.ts";
import { whileUsingImages } from "../../images/users.ts";

/** All that this host has of images, and how it is told to keep them. */
export interface ImageSide {
  readonly directory: string;
  readonly settings: ImagesConfig;
  readonly blobs: ContentStore;
  readonly images: ImageStore;
  readonly layers: LayerStore;
  readonly layersDirectory: string;
}

/** The images of this host, by its configuration and the environment. Nothing is made before it is needed. */
export async function openImageSide(env: NodeJS.ProcessEnv = process.env): Promise<ImageSide> {
  const settings = await readImagesConfig(env);
  const { directory } = settings;
  const layersDirectory = path.join(directory, "layers");
  return {
    directory,
    settings,
    layersDirectory,
    blobs: new ContentStore(directory),
    images: new ImageStore(directory),
    layers: new LayerStore(layersDirectory),
  };
}

/** Keeps all that is there from being removed, until what it resolves to is called, or this process ends. */
export async function keepAll({ directory }: ImageSide, signal?: AbortSignal): Promise<() => Promise<void>> {
  const begun = deferred();
  const ended = deferred();
  const work = () => {
    begun.resolve();
    return ended.promise;
  };
  const using = whileUsingImages(directory, work, signal);
  await Promise.race([begun.promise, using]);
  return async () => {
    ended.resolve();
    // What it leaves, the next one removes.
    await using.catch(() => {});
  };
}
