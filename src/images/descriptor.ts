import type { JSONSchema } from "json-schema-to-ts";
import { type Digest, digestPattern, parseDigest } from "./digest.ts";

/** What an image was made for, in the terms of Go (`linux`, `arm64`) and, for some processors, a variant (`v8`). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

/** What refers to content: its kind, its name by digest, and how many bytes it has. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A descriptor as it is written (OCI image specification, descriptor.md). */
export const descriptorSchema = {
  type: "object",
  properties: {
    mediaType: { type: "string", minLength: 1 },
    digest: { type: "string", pattern: digestPattern },
    size: { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    platform: {
      type: "object",
      properties: {
        os: { type: "string" },
        architecture: { type: "string" },
        variant: { type: "string" },
      },
      required: ["os", "architecture"],
    },
    annotations: { type: "object", additionalProperties: { type: "string" } },
  },
  required: ["mediaType", "digest", "size"],
} as const satisfies JSONSchema;

/** What {@link descriptorSchema} lets through. */
interface WrittenDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Platform | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** A descriptor of what {@link descriptorSchema} has let through, with nothing else that was written in there. */
export function toDescriptor(written: WrittenDescriptor): Descriptor {
  const { mediaType, size, platform, annotations } = written;
  return {
    mediaType,
    digest: parseDigest(written.digest),
    size,
    ...(platform && { platform: toPlatform(platform) }),
    ...(annotations && { annotations }),
  };
}

function toPlatform({ os, architecture, variant }: Platform): Platform {
  return { os, architecture, ...(variant ? { variant } : {}) };
}
