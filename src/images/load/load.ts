import fs from "node:fs";
import path from "node:path";
import { StatusCode, StatusError } from "../../base/status.ts";
import { ContentStore } from "../content-store.ts";
import type { Digest } from "../digest.ts";
import { onFile } from "../files.ts";
import { type ImageRecord, ImageStore } from "../image-store.ts";
import { parseReference } from "../reference.ts";
import { whileUsingImages } from "../users.ts";
import type { Archive } from "./archive.ts";
import { openDirectory } from "./directory-archive.ts";
import { loadDockerArchive } from "./docker-archive.ts";
import type { LoadedImage, Loading } from "./loading.ts";
import { loadLayout } from "./oci-layout.ts";
import { openTar } from "./tar-archive.ts";

/** How to load images. */
export interface LoadOptions {
  /** What the image is called, instead of what the archive says; for archives with one image. */
  readonly reference?: string;
  /** A packed archive that is larger than that unpacked is refused. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
  /** Told how many bytes of a blob are there. */
  readonly onBytes?: (digest: Digest, total: number) => void;
}

/**
 * Loads the images of a directory or a tar archive (packed by gzip or zstd or not): an OCI image layout, or what
 * `docker save` writes. All of it is in the content store, verified, before the first record is written; where
 * anything is wrong, none is. Hostile archives are refused with the entry named.
 */
export async function loadImages(
  place: string,
  directory: string,
  options: LoadOptions,
): Promise<ImageRecord[]> {
  const { reference, signal = new AbortController().signal, onBytes = () => {} } = options;
  if (reference !== undefined) parseReference(reference);
  const work = async () => {
    const archive = await openArchive(place, { directory, maxBytes: options.maxBytes, signal });
    try {
      const images = await loadAll({ archive, store: new ContentStore(directory), signal, onBytes });
      return await record(new ImageStore(directory), nameAll(place, images, reference));
    } finally {
      await archive.close();
    }
  };
  return await whileUsingImages(directory, work, signal);
}

async function openArchive(
  place: string,
  { directory, ...how }: { directory: string; maxBytes: number; signal: AbortSignal },
): Promise<Archive> {
  const stat = await onFile("open", place, () => fs.promises.stat(place));
  if (stat.isDirectory()) return await openDirectory(place);
  if (stat.isFile()) return await openTar(place, { directory: path.join(directory, "ingest"), ...how });
  throw new StatusError(StatusCode.invalidArgument, `${place} is neither a file nor a directory`);
}

async function loadAll(loading: Loading): Promise<LoadedImage[]> {
  const { archive } = loading;
  if ((await archive.sizeOf("index.json")) !== undefined) return await loadLayout(loading);
  if ((await archive.sizeOf("manifest.json")) !== undefined) return await loadDockerArchive(loading);
  const message = `${archive.place} is neither an OCI image layout (index.json) nor a docker archive (manifest.json)`;
  throw new StatusError(StatusCode.invalidArgument, message);
}

/** The records of images; each has a name, or there is one and it is given one. */
function nameAll(place: string, images: readonly LoadedImage[], reference?: string): ImageRecord[] {
  const [first, ...others] = images;
  if (first === undefined) throw new StatusError(StatusCode.invalidArgument, `${place} has no image in it`);
  if (reference !== undefined && others.length > 0) {
    const message = `${place} has ${images.length} images, which cannot all be called ${reference}`;
    throw new StatusError(StatusCode.invalidArgument, message);
  }
  const createdAt = new Date().toISOString();
  return images.flatMap(({ target, names }) => {
    const wanted = reference === undefined ? names : [reference];
    if (wanted.length === 0) {
      const message = `${place}: image ${target.digest} has no name, and needs to be given one`;
      throw new StatusError(StatusCode.invalidArgument, message);
    }
    return wanted.map((name) => ({ reference: parseReference(name).name, target, createdAt }));
  });
}

async function record(images: ImageStore, records: ImageRecord[]): Promise<ImageRecord[]> {
  for (const one of records) await images.put(one);
  return records;
}
