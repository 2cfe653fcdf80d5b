import type { JSONSchema } from "json-schema-to-ts";
import { jsonReader } from "../../base/json.ts";
import { RELEASE_MODES, type ReleaseMode } from "../../base/release-mode.ts";
import { checkIdentifier } from "../identifier.ts";

const words = { type: "array", items: { type: "string", pattern: "^[^\\u0000]*$" } } as const;
const absolutePath = { type: "string", pattern: "^/[^\\u0000]*$" } as const;

/** What a container is made of and how its program runs: what its record holds, and what Create carries as JSON. */
export interface ContainerConfig {
  id: string;
  /** In the form of ISO 8601. */
  createdAt: string;
  /** The shim: a path, `io.containerd.NAME.vN`, or the name of a program in PATH. */
  runtime: string;
  /** The image's reference, for people; the container is made of `lowerDirs`. */
  image?: string;
  /** The layers below, topmost first; a single directory where it is no image's. */
  lowerDirs: string[];
  readOnly: boolean;
  /** What becomes of its unwritten data; the host's setting where it is missing. */
  releaseMode?: ReleaseMode;
  /** The program and its arguments. */
  args: string[];
  /** `NAME=value`; of several with one name the last one counts. */
  env: string[];
  cwd: string;
  terminal: boolean;
  /** As typed: `NAME[:GROUP]` or `UID[:GID]`, of the container's own files; root where it is missing. */
  user?: string;
  /** The id where it is missing. */
  hostname?: string;
  memoryBytes?: number;
  /** How many processors' time it may take, as 0.5. */
  cpus?: number;
  mounts: { source: string; destination: string; readOnly: boolean }[];
  /** `none`: a network namespace with nothing but lo; `host`: the host's. */
  network: "none" | "host";
  /** By which it is told to stop, as `SIGINT`, `INT` or `2`; SIGTERM where it is missing. */
  stopSignal?: string;
  /** It is removed once it has ended. */
  autoRemove: boolean;
  /** Its output goes to a file beside its record, whatever streams are given. */
  logged: boolean;
  /** Its shim logs lines for whoever looks for a mistake, too. */
  debug?: boolean;
  annotations?: Record<string, string>;
}

/** The same as a schema; the types of what is published need no package but ours. */
const schema = {
  type: "object",
  properties: {
    id: { type: "string" },
    createdAt: { type: "string" },
    runtime: { type: "string", minLength: 1 },
    image: { type: "string" },
    lowerDirs: { type: "array", items: absolutePath, minItems: 1 },
    readOnly: { type: "boolean" },
    releaseMode: { enum: RELEASE_MODES },
    args: { ...words, minItems: 1 },
    env: words,
    cwd: absolutePath,
    terminal: { type: "boolean" },
    user: { type: "string", minLength: 1 },
    hostname: { type: "string" },
    memoryBytes: { type: "integer", minimum: 1 },
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
    network: { enum: ["none", "host"] },
    stopSignal: { type: "string" },
    autoRemove: { type: "boolean" },
    logged: { type: "boolean" },
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

const reader = jsonReader(schema);

/** A configuration from its JSON; `invalidArgument` says what of it is wrong, after `where` it is from. */
export function parseContainerConfig(text: string, where: string): ContainerConfig {
  const config: ContainerConfig = reader.parse(text, where);
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
