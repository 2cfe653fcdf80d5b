import type { FromSchema, JSONSchema } from "json-schema-to-ts";
import { jsonReader } from "../../base/json.ts";
import { RELEASE_MODES } from "../../base/release-mode.ts";
import { checkIdentifier } from "../identifier.ts";

const words = { type: "array", items: { type: "string", pattern: "^[^\\u0000]*$" } } as const;
const absolutePath = { type: "string", pattern: "^/[^\\u0000]*$" } as const;

/** What a container is made of and how its program runs: what its record holds, and what Create carries as JSON. */
export const containerConfigSchema = {
  type: "object",
  properties: {
    id: { type: "string" },
    /** In the form of ISO 8601. */
    createdAt: { type: "string" },
    /** The shim: a path, `io.containerd.NAME.vN`, or the name of a program in PATH. */
    runtime: { type: "string", minLength: 1 },
    /** The image's reference, for people; the container is made of `lowerDirs`. */
    image: { type: "string" },
    /** The layers below, topmost first; a single directory where it is no image's. */
    lowerDirs: { type: "array", items: absolutePath, minItems: 1 },
    readOnly: { type: "boolean" },
    /** What becomes of its unwritten data; the host's setting where it is missing. */
    releaseMode: { enum: RELEASE_MODES },
    /** The program and its arguments. */
    args: { ...words, minItems: 1 },
    /** `NAME=value`; of several with one name the last one counts. */
    env: words,
    cwd: absolutePath,
    terminal: { type: "boolean" },
    /** As typed: `NAME[:GROUP]` or `UID[:GID]`, of the container's own files; root where it is missing. */
    user: { type: "string", minLength: 1 },
    /** The id where it is missing. */
    hostname: { type: "string" },
    memoryBytes: { type: "integer", minimum: 1 },
    /** How many processors' time it may take, as 0.5. */
    cpus: { type: "number", exclusiveMinimum: 0 },
    mounts: {
      type: "array",
      items: {
        type: "object",
        properties: { source: absolutePath, destination: absolutePath, readOnly: { type: "boolean" } },
        required: ["source", "destination", "readOnly"],
        additionalProperties: false,
      },
    },
    /** `none`: a network namespace with nothing but lo; `host`: the host's. */
    network: { enum: ["none", "host"] },
    /** By which it is told to stop, as `SIGINT`, `INT` or `2`; SIGTERM where it is missing. */
    stopSignal: { type: "string" },
    /** It is removed once it has ended. */
    autoRemove: { type: "boolean" },
    /** Its output goes to a file beside its record, whatever streams are given. */
    logged: { type: "boolean" },
    /** Its shim logs lines for whoever looks for a mistake, too. */
    debug: { type: "boolean" },
    annotations: { type: "object", additionalProperties: { type: "string" } },
  },
  required: [
    "id",
    "createdAt",
    "runtime",
    "lowerDirs",
    "readOnly",
    "args",
    "env",
    "cwd",
    "terminal",
    "mounts",
    "network",
    "autoRemove",
    "logged",
  ],
  additionalProperties: false,
} as const satisfies JSONSchema;

/** What {@link containerConfigSchema} describes. */
export type ContainerConfig = FromSchema<typeof containerConfigSchema>;

const reader = jsonReader(containerConfigSchema);

/** A configuration from its JSON; `invalidArgument` says what of it is wrong, after `where` it is from. */
export function parseContainerConfig(text: string, where: string): ContainerConfig {
  const config = reader.parse(text, where);
  checkIdentifier("id", config.id);
  return config;
}

/** What stands for the configuration of a container whose record cannot be understood. */
export function brokenConfig(id: string): ContainerConfig {
  return {
    ...{ id, createdAt: "", runtime: "unknown", lowerDirs: [], args: [], env: [], cwd: "/", mounts: [] },
    ...{ readOnly: false, terminal: false, network: "none", autoRemove: false, logged: false },
  };
}
