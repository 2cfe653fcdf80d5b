import type { JSONSchema } from "json-schema-to-ts";
import { jsonReader } from "../base/json.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { containerd, runtimeoptions } from "../proto/index.ts";

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

const RUNC_OPTIONS = "containerd.runc.v1.Options";
const GENERIC_OPTIONS = "runtimeoptions.v1.Options";

/**
 * The options that came with a request. None, or an Any without a type, are the defaults. The type may be
 * written with or without the prefix `type.googleapis.com/`; any other type is `invalidArgument`.
 */
export function decodeRuncOptions(any: AnyMessage | null | undefined): RuncOptions {
  const typeUrl = any?.typeUrl ?? "";
  const value = any?.value ?? new Uint8Array();
  if (typeUrl === "" && value.length === 0) return defaultRuncOptions;
  switch (typeUrl.slice(typeUrl.lastIndexOf("/") + 1)) {
    case RUNC_OPTIONS:
      return fromMessage(decode(RUNC_OPTIONS, () => containerd.runc.v1.Options.decode(value)));
    case GENERIC_OPTIONS:
      return fromGeneric(decode(GENERIC_OPTIONS, () => runtimeoptions.v1.Options.decode(value)));
    default:
      throw new StatusError(
        StatusCode.invalidArgument,
        `runtime options of type ${JSON.stringify(typeUrl)} are not known here: ${RUNC_OPTIONS} is`,
      );
  }
}

function decode<T>(type: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new StatusError(StatusCode.invalidArgument, `runtime options are no ${type}`, { cause });
  }
}

function fromMessage(message: containerd.runc.v1.IOptions): RuncOptions {
  const options: Record<string, unknown> = { ...defaultRuncOptions };
  for (const [name, value] of Object.entries(message)) {
    if (name in defaultRuncOptions) options[name] = value;
  }
  return options as unknown as RuncOptions;
}

/** What the daemon sends for a runtime whose own options it does not know; an empty one says nothing. */
function fromGeneric(message: runtimeoptions.v1.IOptions): RuncOptions {
  const path = message.configPath ?? "";
  const body = message.configBody ?? new Uint8Array();
  if (path === "" && body.length === 0) return defaultRuncOptions;
  const what = path === "" ? `a configuration of ${body.length} bytes` : `the configuration file ${path}`;
  throw new StatusError(
    StatusCode.unimplemented,
    `${GENERIC_OPTIONS} with ${what} is not supported yet: configure the runtime with ${RUNC_OPTIONS}`,
  );
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
