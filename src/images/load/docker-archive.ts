import { createHash } from "node:crypto";
import type { JSONSchema } from "json-schema-to-ts";
import { jsonReader } from "../../base/json.ts";
import { hasCode, StatusCode } from "../../base/status.ts";
import type { Descriptor } from "../descriptor.ts";
import { type Digest, digestOf } from "../digest.ts";
import { MAX_CONFIG_BYTES, MAX_MANIFEST_BYTES, parseConfig } from "../manifest.ts";
import { CONFIG_TYPES, MANIFEST_TYPES } from "../media-types.ts";
import { aboutEntry, readWhole } from "./archive.ts";
import type { LoadedImage, Loading } from "./loading.ts";

const archiveSchema = {
  type: "array",
  items: {
    type: "object",
    properties: {
      Config: { type: "string", minLength: 1 },
      RepoTags: { type: "array", items: { type: "string" } },
      Layers: { type: "array", items: { type: "string", minLength: 1 } },
    },
    required: ["Config"],
  },
} as const satisfies JSONSchema;

const reader = jsonReader(archiveSchema);

/** A layer that is not packed. */
const PLAIN_LAYER = "application/vnd.oci.image.layer.v1.tar";

/** How a layer is packed, by how it begins, and its media type then. */
const LAYER_TYPES: readonly (readonly [magic: RegExp, mediaType: string])[] = [
  [/^1f8b/, `${PLAIN_LAYER}+gzip`],
  [/^28b52ffd/, `${PLAIN_LAYER}+zstd`],
];

/**
 * Puts the images of a docker archive into a store: `docker save` lists them in `manifest.json`. Such an image has no
 * manifest by which it could be named, so that one is made; the same archive gives the same one.
 */
export async function loadDockerArchive(loading: Loading): Promise<LoadedImage[]> {
  const { archive } = loading;
  const where = `${archive.place}: manifest.json`;
  const bytes = await readWhole(archive, "manifest.json", MAX_MANIFEST_BYTES);
  const images: LoadedImage[] = [];
  for (const { Config, RepoTags = [], Layers = [] } of reader.parse(bytes?.toString("utf8") ?? "", where)) {
    images.push({ target: await loadImage(loading, Config, Layers), names: RepoTags });
  }
  return images;
}

async function loadImage(loading: Loading, configName: string, layerNames: readonly string[]) {
  const { place } = loading.archive;
  const bytes = await readWhole(loading.archive, configName, MAX_CONFIG_BYTES);
  if (bytes === undefined) throw aboutEntry(StatusCode.notFound, place, configName, "is not there");
  const { diffIds } = parseConfig(bytes, `${place}: ${configName}`);
  if (diffIds.length !== layerNames.length) {
    const problem = `names ${diffIds.length} layers, but manifest.json ${layerNames.length}`;
    throw aboutEntry(StatusCode.invalidArgument, place, configName, problem);
  }
  const layers: Descriptor[] = [];
  for (const [index, name] of layerNames.entries())
    layers.push(await loadLayer(loading, name, diffIds[index]));
  const config = await put(loading, bytes, CONFIG_TYPES[0]);
  const [mediaType] = MANIFEST_TYPES;
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType, config, layers });
  return await put(loading, Buffer.from(manifest), mediaType);
}

/** Puts a layer into the store; one that is not packed has the digest that the configuration tells. */
async function loadLayer(loading: Loading, name: string, diffId: Digest | undefined): Promise<Descriptor> {
  const { archive, store, signal, onBytes } = loading;
  const size = await archive.sizeOf(name);
  if (size === undefined) throw aboutEntry(StatusCode.notFound, archive.place, name, "is not there");
  const mediaType = await layerType(loading, name);
  const digest =
    mediaType === PLAIN_LAYER && diffId !== undefined ? diffId : await digestOfEntry(loading, name);
  const layer: Descriptor = { mediaType, digest, size };
  const options = {
    signal,
    from: archive.place,
    onBytes: (total: number) => onBytes(digest, total),
  };
  try {
    await store.ingest(layer, (offset) => archive.read(name, offset), options);
    return layer;
  } catch (thrown) {
    if (!hasCode(thrown, StatusCode.dataLoss)) throw thrown;
    throw aboutEntry(StatusCode.dataLoss, archive.place, name, `is not what it should be: ${thrown.message}`);
  }
}

async function layerType({ archive }: Loading, name: string): Promise<string> {
  let head = Buffer.of();
  for await (const piece of archive.read(name, 0)) {
    head = Buffer.concat([head, piece.subarray(0, 4)]);
    if (head.length >= 4) break;
  }
  const magic = head.toString("hex");
  return LAYER_TYPES.find(([begin]) => begin.test(magic))?.[1] ?? PLAIN_LAYER;
}

async function digestOfEntry({ archive, signal }: Loading, name: string): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const piece of archive.read(name, 0)) {
    signal.throwIfAborted();
    hash.update(piece);
  }
  return `sha256:${hash.digest("hex")}`;
}

async function put({ store, signal }: Loading, bytes: Buffer, mediaType: string): Promise<Descriptor> {
  const blob: Descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  const source = async function* (offset: number) {
    yield bytes.subarray(offset);
  };
  await store.ingest(blob, source, { signal });
  return blob;
}
