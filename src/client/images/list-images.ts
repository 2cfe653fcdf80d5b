import type { ImageRecord } from "../../images/image-store.ts";
import { type ContainerUse, containerUses } from "./container-uses.ts";
import { type ImageSide, openImageSide } from "./image-side.ts";
import { imageSize } from "./image-size.ts";

/** What is known of an image at a glance. */
export interface ImageSummary {
  /** The canonical name, `docker.io/library/busybox:latest`. */
  readonly reference: string;
  /** Of the manifest or index that the reference stands for. */
  readonly digest: string;
  /** How many bytes were fetched of it. */
  readonly size: number;
  /** When it was fetched or loaded, in the form of ISO 8601. */
  readonly createdAt: string;
  /** The containers that are made of it; null where a record of one cannot be read. */
  readonly usedBy: readonly string[] | null;
}

/** The images that are on this host, by their names. */
export async function listImages(): Promise<ImageSummary[]> {
  const side = await openImageSide();
  const uses = await containerUses(side.directory).catch(() => null);
  return Promise.all((await side.images.list()).map((record) => summaryOf(side, record, uses)));
}

async function summaryOf(
  side: ImageSide,
  { reference, target, createdAt }: ImageRecord,
  uses: readonly ContainerUse[] | null,
): Promise<ImageSummary> {
  const size = await imageSize(side.blobs, target);
  const usedBy = uses?.filter(({ image }) => image === reference).map(({ id }) => id) ?? null;
  return { reference, digest: target.digest, size, createdAt, usedBy };
}
