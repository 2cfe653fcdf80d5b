import type { LogLevel } from "../../base/logger.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { areRuncOptions } from "../../oci/decode-options.ts";
import type { AnyMessage } from "../../oci/options.ts";
import { containerd, google } from "../../proto/index.ts";

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

const { BootstrapParams, BootstrapResult } = containerd.runtime.bootstrap.v1;

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
  const params = tryDecode(() => BootstrapParams.decode(stdin));
  if (stdin.length > 0 && params?.instanceId === flags.id && params.namespace === flags.namespace) {
    return {
      generation: "bootstrap",
      socketDir: params.socketDir || undefined,
      logLevel: flags.debug ? "debug" : levelOf(params.logLevel),
      options: params.extensions.map(({ value }) => value).find(isRuncOptions),
    };
  }
  const options = readOptionsAny(stdin);
  const generation = env.MAX_SHIM_VERSION ? "json" : "text";
  const logLevel = flags.debug ? "debug" : "info";
  return {
    generation,
    socketDir: undefined,
    logLevel,
    options: isRuncOptions(options) ? options : undefined,
  };
}

/** What is of another type is somebody else's, or for Create to refuse. */
function isRuncOptions(any: AnyMessage | null | undefined): any is AnyMessage {
  return any !== null && any !== undefined && areRuncOptions(any);
}

function levelOf(number: number): LogLevel {
  return LEVELS.find(([upTo]) => number <= upTo)?.[1] ?? "error";
}

/** The Any with runtime options that daemons before 2.3 write to stdin; undefined when it is empty. */
export function readOptionsAny(stdin: Uint8Array): google.protobuf.Any | undefined {
  if (stdin.length === 0) return undefined;
  const any = tryDecode(() => google.protobuf.Any.decode(stdin));
  if (any === undefined || !/^[\w.\-/]+$/.test(any.typeUrl)) {
    const message =
      `stdin holds ${stdin.length} bytes that are neither BootstrapParams for this -id and -namespace ` +
      "nor an Any with runtime options";
    throw new StatusError(StatusCode.invalidArgument, message);
  }
  return any;
}

/** The one answer of `start`, in the form that the daemon's generation reads. */
export function encodeAnswer(
  generation: Generation,
  address: string,
  env: Readonly<Record<string, string | undefined>>,
): Uint8Array {
  if (generation === "bootstrap") {
    return BootstrapResult.encode({ version: TASK_API_VERSION, address, protocol: "ttrpc" }).finish();
  }
  if (generation === "text") return Buffer.from(address);
  const wanted = Number.parseInt(env.MAX_SHIM_VERSION ?? "", 10);
  const version = Number.isNaN(wanted) ? 2 : Math.max(2, Math.min(TASK_API_VERSION, wanted));
  return Buffer.from(JSON.stringify({ version, address, protocol: "ttrpc" }));
}

function tryDecode<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}
