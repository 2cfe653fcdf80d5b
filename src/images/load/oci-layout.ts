import { StatusCode, StatusError } from "../../base/status.ts";
import type { Descriptor } from "../descriptor.ts";
import { hexOf } from "../digest.ts";
import { readManifest } from "../image.ts";
import { MAX_MANIFEST_BYTES, parseIndex, parseManifest } from "../manifest.ts";
import { kindOf } from "../media-types.ts";
import { aboutEntry, readWhole } from "./archive.ts";
import type { LoadedImage, Loading } from "./loading.ts";

/** Where programs write what an image is called: containerd and docker the whole name, others often the tag alone. */
const NAME = "io.containerd.image.name";
const REF_NAME = "org.opencontainers.image.ref.name";

/** Indexes in each other go no deeper in an image that anybody made to be run. */
const MAX_DEPTH = 4;

/** Puts the images of an OCI image layout into a store (OCI image specification, image-layout.md). */
export async function loadLayout(loading: Loading): Promise<LoadedImage[]> {
  const { archive } = loading;
  const index = await readWhole(archive, "index.json", MAX_MANIFEST_BYTES);
  const images: LoadedImage[] = [];
  for (const written of parseIndex(index ?? Buffer.of(), `${archive.place}: index.json`)) {
    // What is written beside it in the layout is not part of the image.
    const { annotations, ...target } = written;
    const manifests = await loadTarget(loading, target, 0);
    if (manifests === 0) throw empty(archive.place, target);
    images.push({ target, names: namesIn(annotations) });
  }
  return mergeNames(images);
}

/** Puts a manifest or an index into the store with all that it refers to; how many manifests that were. */
async function loadTarget(loading: Loading, target: Descriptor, depth: number): Promise<number> {
  const { archive, store } = loading;
  const what = `${archive.place}: ${target.digest}`;
  const kind = kindOf(target.mediaType, what);
  if (depth === MAX_DEPTH) {
    throw new StatusError(StatusCode.invalidArgument, `${what}: its indexes lie too deep in each other`);
  }
  await loadBlob(loading, target);
  const bytes = await store.read(target.digest, MAX_MANIFEST_BYTES);
  if (kind === "manifest") return await loadManifest(loading, target, bytes, what);
  let manifests = 0;
  for (const child of parseIndex(bytes, what)) {
    // What was noted down about an image, such as how it was built, is for no platform, and nothing that can be run.
    if (child.platform?.os === "unknown") continue;
    // Of an image for many platforms often only one is in the archive.
    if ((await archive.sizeOf(nameOf(child))) === undefined) continue;
    manifests += await loadTarget(loading, child, depth + 1);
  }
  return manifests;
}

async function loadManifest(
  loading: Loading,
  target: Descriptor,
  bytes: Buffer,
  what: string,
): Promise<number> {
  const { config, layers } = parseManifest(bytes, what);
  for (const blob of [config, ...layers]) await loadBlob(loading, blob);
  await readManifest(loading.store, target);
  return 1;
}

/** Puts a blob into the store, from the archive where it is not there yet. */
async function loadBlob({ archive, store, signal, onBytes }: Loading, blob: Descriptor): Promise<void> {
  const name = nameOf(blob);
  const size = await archive.sizeOf(name);
  if (size === undefined && !(await store.has(blob.digest))) {
    throw aboutEntry(StatusCode.notFound, archive.place, name, "is not there");
  }
  const report = (total: number) => onBytes(blob.digest, total);
  const source = (offset: number) => archive.read(name, offset);
  await store.ingest(blob, source, { signal, from: archive.place, onBytes: report });
}

function nameOf({ digest }: Descriptor): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

function namesIn(annotations: Readonly<Record<string, string>> = {}): string[] {
  const { [NAME]: name, [REF_NAME]: refName } = annotations;
  if (name !== undefined) return [name];
  return refName !== undefined && /[/:]/.test(refName) ? [refName] : [];
}

/** An image that is listed several times, once for each of its names. */
function mergeNames(images: readonly LoadedImage[]): LoadedImage[] {
  const merged = new Map<string, LoadedImage>();
  for (const { target, names } of images) {
    const before = merged.get(target.digest)?.names ?? [];
    merged.set(target.digest, { target, names: [...before, ...names] });
  }
  return [...merged.values()];
}

function empty(place: string, { digest }: Descriptor): StatusError {
  return new StatusError(StatusCode.notFound, `${place}: none of the images that ${digest} lists is in it`);
}
