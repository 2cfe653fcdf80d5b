import type { JSONSchema } from "json-schema-to-ts";
import { jsonReader } from "../base/json.ts";

/** The options of a runc container (containerd's `containerd.runc.v1.Options`); empty and 0 mean "not set". */
export interface RuncOptions {
  readonly noPivotRoot: boolean;
  readonly noNewKeyring: boolean;
  /** A cgroup that the shim itself is to join. */
  readonly shimCgroup: string;
  /** The owner of the container's stdio pipes. */
  readonly ioUid: number;
  readonly ioGid: number;
  /** The OCI runtime's binary: a path, or a name to be found in PATH. */
  readonly binaryName: string;
  /** Where the runtime keeps its state, without the namespace. */
  readonly root: string;
  readonly systemdCgroup: boolean;
  /** For the daemon, which hands it on as the checkpoint of Create. */
  readonly criuImagePath: string;
  readonly criuWorkPath: string;
}

/** Options with nothing set. */
export const defaultRuncOptions: RuncOptions = {
  noPivotRoot: false,
  noNewKeyring: false,
  shimCgroup: "",
  ioUid: 0,
  ioGid: 0,
  binaryName: "",
  root: "",
  systemdCgroup: false,
  criuImagePath: "",
  criuWorkPath: "",
};

/** A `google.protobuf.Any` as it comes off the wire. */
export interface AnyMessage {
  readonly typeUrl?: string | null;
  readonly value?: Uint8Array | null;
}

/** The names that Go's encoder gives the fields in options.json (their protobuf names). */
const JSON_NAMES: Readonly<Record<keyof RuncOptions, string>> = {
  noPivotRoot: "no_pivot_root",
  noNewKeyring: "no_new_keyring",
  shimCgroup: "shim_cgroup",
  ioUid: "io_uid",
  ioGid: "io_gid",
  binaryName: "binary_name",
  root: "root",
  systemdCgroup: "systemd_cgroup",
  criuImagePath: "criu_image_path",
  criuWorkPath: "criu_work_path",
};

const optionsReader = jsonReader({
  type: "object",
  properties: {
    no_pivot_root: { type: "boolean" },
    no_new_keyring: { type: "boolean" },
    shim_cgroup: { type: "string" },
    io_uid: { type: "integer", minimum: 0, maximum: 4294967295 },
    io_gid: { type: "integer", minimum: 0, maximum: 4294967295 },
    binary_name: { type: "string" },
    root: { type: "string" },
    systemd_cgroup: { type: "boolean" },
    criu_image_path: { type: "string" },
    criu_work_path: { type: "string" },
  },
} as const satisfies JSONSchema);

/** Parses an options.json; fields that are missing or not known do not matter. `where` begins the error. */
export function optionsFromJson(text: string, where: string): RuncOptions {
  const json: Readonly<Record<string, unknown>> = optionsReader.parse(text, where);
  const entries = Object.entries(JSON_NAMES).map(([name, jsonName]) => [
    name,
    json[jsonName] ?? defaultRuncOptions[name as keyof RuncOptions],
  ]);
  return Object.fromEntries(entries) as unknown as RuncOptions;
}

/** The text of an options.json: as Go writes it, without the fields that are not set. */
export function optionsToJson(options: RuncOptions): string {
  const entries = Object.entries(JSON_NAMES)
    .map(([name, jsonName]) => [jsonName, options[name as keyof RuncOptions]] as const)
    .filter(([, value]) => value !== "" && value !== 0 && value !== false);
  return JSON.stringify(Object.fromEntries(entries));
}
