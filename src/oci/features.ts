import type { FromSchema, JSONSchema } from "json-schema-to-ts";
import { jsonReader } from "../base/json.ts";
import { StatusCode } from "../base/status.ts";

const names = { type: "array", items: { type: "string" } } as const satisfies JSONSchema;

const featuresSchema = {
  type: "object",
  properties: {
    ociVersionMin: { type: "string" },
    ociVersionMax: { type: "string" },
    hooks: names,
    mountOptions: names,
    linux: {
      type: "object",
      properties: {
        namespaces: names,
        capabilities: names,
        cgroup: {
          type: "object",
          properties: {
            v1: { type: "boolean" },
            v2: { type: "boolean" },
            systemd: { type: "boolean" },
            systemdUser: { type: "boolean" },
            rdma: { type: "boolean" },
          },
        },
        seccomp: { type: "object" },
        apparmor: { type: "object" },
        selinux: { type: "object" },
      },
    },
    annotations: { type: "object", additionalProperties: { type: "string" } },
    potentiallyUnsafeConfigAnnotations: names,
  },
} as const satisfies JSONSchema;

/** What a runtime can do (runtime-spec, features.md and features-linux.md). */
export type Features = FromSchema<typeof featuresSchema>;

const reader = jsonReader(featuresSchema, StatusCode.internal);

/** Parses the output of `features`; `where` begins the error's message. */
export function parseFeatures(text: string, where: string): Features {
  return reader.parse(text, where);
}
