import type { LogLevel } from "../../base/logger.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import type { AnyMessage } from "../../oci/options.ts";
import { areRuncOptions } from "../../oci/options-type.ts";
import { bytesField, int32Field, manyBytes, readFields, textField } from "../../proto/fields.ts";

/** The most that is read from stdin, in bytes: containerd's own limit. */
export const MAX_STDIN_BYTES = 10 * 1024 * 1024;

/** Which daemon asks, and so how `start` has to answer. */
export type Generation = "text" | "json" | "bootstrap";

/** What the daemon hands to `start` beside its flags. */
export interface Bootstrap {
  readonly generation: Generation;
  /** Where to put the socket; undefined means the default directory. */
  readonly socketDir: string | undefined;
  readonly logLevel: LogLevel;
  /** The options of the runtime; undefined where the daemon has none. */
  readonly options: AnyMessage | undefined;
}

/** Numbers of fields: proto/containerd/runtime/bootstrap/v1/bootstrap.proto, and those of google.protobuf.Any. */
const Params = { instanceId: 1, namespace: 2, logLevel: 3, extensions: 8, socketDir: 9 } as const;
const Extension = { value: 1 } as const;
const Any = { typeUrl: 1, value: 2 } as const;

/** Which lines a level asks for, by the highest number that does (containerd.runtime.bootstrap.v1.LogLevel). */
const LEVELS: readonly (readonly [upTo: number, level: LogLevel])[] = [
  [-4, "debug"],
  [0, "info"],
  [4, "warn"],
];

/** The newest version of the task API that this shim serves. */
const TASK_API_VERSION = 3;

/**
 * Tells the daemon's generation from what it wrote to stdin: BootstrapParams (2.3 and later) are taken as such
 * only where their id and namespace equal the flags', because an Any with runtime options decodes as one too;
 * anything else must be empty or an Any. Daemons from 1.7 on say so by MAX_SHIM_VERSION.
 */
export function readBootstrap(
  stdin: Uint8Array,
  flags: { readonly id: string; readonly namespace: string; readonly debug: boolean },
  env: Readonly<Record<string, string | undefined>>,
): Bootstrap {
  const params = stdin.length === 0 ? undefined : tryRead(() => readParams(stdin));
  if (params?.instanceId === flags.id && params.namespace === flags.namespace) {
    return {
      generation: "bootstrap",
      socketDir: params.socketDir || undefined,
      logLevel: flags.debug ? "debug" : levelOf(params.logLevel),
      options: params.extensions.find(areRuncOptions),
    };
  }
  const options = readOptionsAny(stdin);
  const generation = env.MAX_SHIM_VERSION ? "json" : "text";
  const logLevel = flags.debug ? "debug" : "info";
  return {
    generation,
    socketDir: undefined,
    logLevel,
    options: options !== undefined && areRuncOptions(options) ? options : undefined,
  };
}

function readParams(stdin: Uint8Array) {
  const fields = readFields(stdin);
  return {
    instanceId: textField(fields, Params.instanceId),
    namespace: textField(fields, Params.namespace),
    logLevel: int32Field(fields, Params.logLevel),
    socketDir: textField(fields, Params.socketDir),
    extensions: manyBytes(fields, Params.extensions).flatMap((bytes) =>
      manyBytes(readFields(bytes), Extension.value).slice(-1).map(readAny),
    ),
  };
}

/** What is of a type that is not known here is somebody else's, or for Create to refuse. */
function readAny(bytes: Uint8Array): { typeUrl: string; value: Uint8Array } {
  const fields = readFields(bytes);
  return {
    typeUrl: textField(fields, Any.typeUrl),
    value: bytesField(fields, Any.value) ?? new Uint8Array(),
  };
}

function levelOf(number: number): LogLevel {
  return LEVELS.find(([upTo]) => number <= upTo)?.[1] ?? "error";
}

/** The Any with runtime options that daemons before 2.3 write to stdin; undefined when it is empty. */
export function readOptionsAny(stdin: Uint8Array): AnyMessage | undefined {
  if (stdin.length === 0) return undefined;
  const any = tryRead(() => readAny(stdin));
  if (any === undefined || !/^[\w.\-/]+$/.test(any.typeUrl)) {
    const message =
      `stdin holds ${stdin.length} bytes that are neither BootstrapParams for this -id and -namespace ` +
      "nor an Any with runtime options";
    throw new StatusError(StatusCode.invalidArgument, message);
  }
  return any;
}

/** The one answer of `start`, in the form that the daemon's generation reads. */
export async function encodeAnswer(
  generation: Generation,
  address: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Uint8Array> {
  if (generation === "bootstrap") {
    const { BootstrapResult } = (await import("../../proto/index.ts")).containerd.runtime.bootstrap.v1;
    return BootstrapResult.encode({ version: TASK_API_VERSION, address, protocol: "ttrpc" }).finish();
  }
  if (generation === "text") return Buffer.from(address);
  const wanted = Number.parseInt(env.MAX_SHIM_VERSION ?? "", 10);
  const version = Number.isNaN(wanted) ? 2 : Math.max(2, Math.min(TASK_API_VERSION, wanted));
  return Buffer.from(JSON.stringify({ version, address, protocol: "ttrpc" }));
}

function tryRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
