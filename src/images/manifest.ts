import type { FromSchema, JSONSchema } from "json-schema-to-ts";
import { jsonReader } from "../base/json.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { type Descriptor, descriptorSchema, toDescriptor } from "./descriptor.ts";
import { type Digest, digestPattern, parseDigest } from "./digest.ts";
import { CONFIG_TYPES, kindOf, tooOld } from "./media-types.ts";

/** The largest manifest or index: registries take four mebibytes of one, and no more. */
export const MAX_MANIFEST_BYTES = 4 << 20;
/** The largest configuration: one with the history of very many layers has some hundred kilobytes. */
export const MAX_CONFIG_BYTES = 8 << 20;
/** The kernel stacks no more layers in an overlay; some thousands of them were made to keep somebody busy. */
const MAX_LAYERS = 500;

const indexSchema = {
  type: "object",
  properties: {
    schemaVersion: { const: 2 },
    mediaType: { type: "string" },
    manifests: { type: "array", items: descriptorSchema },
  },
  required: ["schemaVersion", "manifests"],
} as const satisfies JSONSchema;

const manifestSchema = {
  type: "object",
  properties: {
    schemaVersion: { const: 2 },
    mediaType: { type: "string" },
    config: descriptorSchema,
    layers: { type: "array", items: descriptorSchema },
  },
  required: ["schemaVersion", "config", "layers"],
} as const satisfies JSONSchema;

const strings = { type: "array", items: { type: "string" } } as const;
const sets = { type: "object", additionalProperties: { type: "object" } } as const;

/** The fields of an image's configuration that are read here (OCI image specification, config.md). */
const configSchema = {
  type: "object",
  properties: {
    created: { type: "string" },
    os: { type: "string" },
    architecture: { type: "string" },
    variant: { type: "string" },
    config: {
      type: "object",
      properties: {
        User: { type: "string" },
        ExposedPorts: sets,
        Env: strings,
        Entrypoint: strings,
        Cmd: strings,
        Volumes: sets,
        WorkingDir: { type: "string" },
        Labels: { type: "object", additionalProperties: { type: "string" } },
        StopSignal: { type: "string" },
      },
    },
    rootfs: {
      type: "object",
      properties: {
        type: { const: "layers" },
        diff_ids: { type: "array", items: { type: "string", pattern: digestPattern } },
      },
      required: ["diff_ids"],
    },
  },
  required: ["rootfs"],
} as const satisfies JSONSchema;

/** What an image is run with. */
export type ImageConfig = FromSchema<typeof configSchema>;

/** What a manifest refers to, the lowest layer first. */
export interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

const formReader = jsonReader({
  type: "object",
  properties: { schemaVersion: { type: "integer" }, mediaType: { type: "string" } },
} as const satisfies JSONSchema);
const indexReader = jsonReader(indexSchema);
const manifestReader = jsonReader(manifestSchema);
const configReader = jsonReader(configSchema);

/**
 * The manifests that an index lists. `what` begins each error, which is `invalidArgument` where the document is not
 * as it should be.
 */
export function parseIndex(bytes: Uint8Array, what: string): Descriptor[] {
  const text = textOf(bytes, "index", what);
  return indexReader.parse(text, what).manifests.map(toDescriptor);
}

/** The configuration and layers of a manifest; errors as of {@link parseIndex}, `unimplemented` for what is no image. */
export function parseManifest(bytes: Uint8Array, what: string): Manifest {
  const text = textOf(bytes, "manifest", what);
  const { config, layers } = manifestReader.parse(text, what);
  if (!CONFIG_TYPES.some((known) => known === config.mediaType)) {
    const message = `${what} is not an image to run, but ${JSON.stringify(config.mediaType)}`;
    throw new StatusError(StatusCode.unimplemented, message);
  }
  if (layers.length > MAX_LAYERS) {
    const message = `${what} has ${layers.length} layers, more than the ${MAX_LAYERS} that an overlay can have`;
    throw new StatusError(StatusCode.unimplemented, message);
  }
  return { config: toDescriptor(config), layers: layers.map(toDescriptor) };
}

/** The configuration of an image, and the digests of its layers unpacked; errors as of {@link parseIndex}. */
export function parseConfig(bytes: Uint8Array, what: string): { config: ImageConfig; diffIds: Digest[] } {
  const config = configReader.parse(decode(bytes), what);
  return { config, diffIds: config.rootfs.diff_ids.map(parseDigest) };
}

/** The text of a document, which must not say that it is another kind than it was taken for. */
function textOf(bytes: Uint8Array, kind: "manifest" | "index", what: string): string {
  const text = decode(bytes);
  const { schemaVersion, mediaType } = formReader.parse(text, what);
  if (schemaVersion === 1) throw tooOld(what);
  if (mediaType === undefined || kindOf(mediaType, what) === kind) return text;
  throw new StatusError(
    StatusCode.invalidArgument,
    `${what}: it was called ${kind}, and says that it is ${mediaType}`,
  );
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
