import type { FromSchema, JSONSchema } from "json-schema-to-ts";
import { readTextFile } from "../base/files.ts";
import { decodeJson, jsonReader } from "../base/json.ts";
import { isObject } from "../base/json-finding.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { bundlePaths } from "./bundle-paths.ts";

/**
 * The fields of an OCI runtime configuration that are read here
 * (opencontainers/runtime-spec config.md, config-linux.md). All others belong to the runtime alone.
 */
export const specSchema = {
  type: "object",
  properties: {
    ociVersion: { type: "string" },
    hostname: { type: "string" },
    annotations: { type: "object", additionalProperties: { type: "string" } },
    root: {
      type: "object",
      properties: { path: { type: "string" }, readonly: { type: "boolean" } },
    },
    process: {
      type: "object",
      properties: {
        terminal: { type: "boolean" },
        cwd: { type: "string" },
        args: { type: "array", items: { type: "string" } },
        env: { type: "array", items: { type: "string" } },
        user: {
          type: "object",
          properties: {
            uid: { type: "integer", minimum: 0, maximum: 4294967295 },
            gid: { type: "integer", minimum: 0, maximum: 4294967295 },
          },
        },
      },
    },
    linux: {
      type: "object",
      properties: {
        cgroupsPath: { type: "string" },
        namespaces: {
          type: "array",
          items: {
            type: "object",
            properties: { type: { type: "string" }, path: { type: "string" } },
            required: ["type"],
          },
        },
      },
    },
  },
} as const satisfies JSONSchema;

/** What {@link readSpec} returns. Every field may be missing: it is the runtime that insists on some. */
export type Spec = FromSchema<typeof specSchema>;

/** No configuration comes near it: those of the largest pods are some hundred kilobytes. */
export const MAX_SPEC_BYTES = 16 << 20;

const reader = jsonReader(specSchema);

/** Parses a configuration; `where` begins the error's message (`<where>: /process/args must be an array`). */
export function parseSpec(text: string, where: string): Spec {
  return reader.parse(text, where);
}

const annotationsReader = jsonReader({
  type: "object",
  properties: { annotations: specSchema.properties.annotations },
} as const satisfies JSONSchema);

/**
 * Reads a bundle's config.json. `notFound` where there is none, `resourceExhausted` where it is larger than
 * {@link MAX_SPEC_BYTES}, `invalidArgument` where it is no configuration; each names the file.
 */
export function readSpec(bundle: string): Spec {
  const { file, text } = readConfigJson(bundle);
  return parseSpec(text, file);
}

/**
 * The annotations of a bundle's config.json, whatever else is in it; errors as of {@link parseSpec}. The validator is
 * asked only where something is wrong: a start of a container would wait for it twice (measured: 0.6 ms each time).
 */
export function readAnnotations(bundle: string): Readonly<Record<string, string>> {
  const { file, text } = readConfigJson(bundle);
  const config = decodeJson(text, file, StatusCode.invalidArgument);
  const annotations = isObject(config) ? config.annotations : undefined;
  if (areTexts(annotations)) return annotations;
  return annotationsReader.parse(text, file).annotations ?? {};
}

function areTexts(value: unknown): value is Readonly<Record<string, string>> {
  return (
    isObject(value) && !Array.isArray(value) && Object.values(value).every((text) => typeof text === "string")
  );
}

function readConfigJson(bundle: string): { file: string; text: string } {
  const file = bundlePaths(bundle).config;
  const text = readTextFile(file, MAX_SPEC_BYTES);
  if (text === undefined) throw new StatusError(StatusCode.notFound, `${file}: no such file`);
  return { file, text };
}
