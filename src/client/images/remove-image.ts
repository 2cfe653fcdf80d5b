import { hasCode, StatusCode, StatusError } from "../../base/status.ts";
import type { ImageRecord } from "../../images/image-store.ts";
import { containerUses } from "./container-uses.ts";
import { type ImageSide, openImageSide } from "./image-side.ts";

/** A name that is gone. */
export interface RemovedImage {
  readonly reference: string;
  readonly digest: string;
}

/** What can be the beginning of an id. */
const ID = /^(?:sha256:)?([0-9a-f]{4,64})$/;

/** What would be one, if it were longer. */
const SHORT_ID = /^(?:sha256:)?[0-9a-f]{1,3}$/;

/**
 * Removes an image by its name, or all names of the one whose id begins so; its files go with `sweepImages`.
 * `notFound` where there is none; `failedPrecondition` that names the containers that are made of it, unless by
 * force, or the images where several ids begin so.
 */
export async function removeImage(nameOrId: string, { force }: { force: boolean }): Promise<RemovedImage[]> {
  const side = await openImageSide();
  const records = await find(side, nameOrId);
  if (!force) for (const record of records) await refuseIfUsed(side, record);
  const removed: RemovedImage[] = [];
  for (const { reference, target } of records) {
    if (await side.images.remove(reference)) removed.push({ reference, digest: target.digest });
  }
  return removed;
}

async function find(side: ImageSide, nameOrId: string): Promise<readonly ImageRecord[]> {
  const named = await byName(side, nameOrId);
  if (named !== undefined) return [named];
  const [, digits] = ID.exec(nameOrId) ?? [];
  const records = digits === undefined ? [] : await side.images.list();
  const found = records.filter(({ target }) => target.digest.startsWith(`sha256:${digits}`));
  if (found.length === 0) throw notHere(nameOrId);
  const ids = new Set(found.map(({ target }) => target.digest));
  if (ids.size === 1) return found;
  const names = found.map(({ reference }) => reference).join(", ");
  throw new StatusError(StatusCode.failedPrecondition, `several ids begin with ${nameOrId}: of ${names}`);
}

function notHere(nameOrId: string): StatusError {
  const more = SHORT_ID.test(nameOrId) ? "; the beginning of an id has 4 digits or more" : "";
  return new StatusError(StatusCode.notFound, `image ${nameOrId} is not here${more}`);
}

/** What is no name may still be an id. */
async function byName(side: ImageSide, name: string): Promise<ImageRecord | undefined> {
  try {
    return await side.images.get(name);
  } catch (error) {
    if (hasCode(error, StatusCode.invalidArgument) && ID.test(name)) return undefined;
    throw error;
  }
}

async function refuseIfUsed(side: ImageSide, { reference }: ImageRecord): Promise<void> {
  const uses = await containerUses(side.directory);
  const ids = uses.filter(({ image }) => image === reference).map(({ id }) => id);
  if (ids.length === 0) return;
  const what = ids.length === 1 ? `container ${ids[0]} is` : `containers ${ids.join(", ")} are`;
  const message = `image ${reference} is in use: ${what} made of it`;
  throw new StatusError(StatusCode.failedPrecondition, message);
}
