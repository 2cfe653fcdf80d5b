/** What an OCI runtime prints when it is asked for facts. */
import type { FromSchema, JSONSchema } from "json-schema-to-ts";
import { jsonReader } from "../base/json.ts";
import { StatusCode, StatusError } from "../base/status.ts";

const stateSchema = {
  type: "object",
  properties: {
    id: { type: "string" },
    /** 0 once the container is stopped. */
    pid: { type: "integer", minimum: 0 },
    status: { type: "string" },
    bundle: { type: "string" },
    rootfs: { type: "string" },
    created: { type: "string" },
    annotations: { type: "object", additionalProperties: { type: "string" } },
  },
  required: ["id", "status"],
} as const satisfies JSONSchema;

/**
 * A container as `state` and `list` show it. `status` is creating, created, running, paused or stopped; other
 * words are the runtime's own (runtime-spec, runtime.md).
 */
export type RuncState = FromSchema<typeof stateSchema>;

/** Reads the output of `state`. */
export const stateReader = jsonReader(stateSchema, StatusCode.internal);

/** Reads the output of `list`, which runc prints as `null` where there is none. */
export const listReader = jsonReader(
  { type: ["array", "null"], items: stateSchema } as const satisfies JSONSchema,
  StatusCode.internal,
);

/** Reads the output of `ps`, which runc prints as `null` for a stopped container. */
export const psReader = jsonReader(
  { type: ["array", "null"], items: { type: "integer", minimum: 1 } } as const satisfies JSONSchema,
  StatusCode.internal,
);

const statsSchema = {
  type: "object",
  properties: {
    type: { type: "string" },
    id: { type: "string" },
    data: { type: "object" },
  },
  required: ["data"],
} as const satisfies JSONSchema;

/** What `events --stats` prints; `data` has the runtime's own shape. */
export type RuncStats = FromSchema<typeof statsSchema>;

/** Reads the output of `events --stats`. */
export const statsReader = jsonReader(statsSchema, StatusCode.internal);

/** What `--version` says. */
export interface RuncVersion {
  /** The runtime's own name for itself: `runc`, `crun`. */
  readonly name: string;
  readonly version: string;
  /** The version of the OCI runtime specification that it follows, where it says so. */
  readonly spec: string | undefined;
}

/** Reads the output of `--version`: `<name> version <version>`, then lines `<field>: <value>`. */
export function parseVersion(text: string, where: string): RuncVersion {
  const [, name, version] = /^(\S+) version (\S+)/.exec(text) ?? [];
  if (name === undefined || version === undefined) {
    throw new StatusError(StatusCode.internal, `${where}: the first line is not "<name> version <version>"`);
  }
  return { name, version, spec: /^spec: (\S+)/m.exec(text)?.[1] };
}
