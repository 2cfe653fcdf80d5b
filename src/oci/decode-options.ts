import { readTextFile } from "../base/files.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { containerd, runtimeoptions } from "../proto/index.ts";
import { type AnyMessage, defaultRuncOptions, type RuncOptions } from "./options.ts";
import { GENERIC_OPTIONS, messageNameOf, RUNC_OPTIONS } from "./options-type.ts";

/** The longest configuration that options may be; people write some lines. */
const MAX_CONFIG_BYTES = 1 << 20;

/**
 * The options that came with a request: runc's, or those that the daemon has for a runtime whose own it does not
 * know, with runc's as TOML in them. None, or an Any without a type, are the defaults. The type may be written with
 * or without the prefix `type.googleapis.com/`; any other type is `invalidArgument`.
 */
export async function decodeRuncOptions(any: AnyMessage | null | undefined): Promise<RuncOptions> {
  const typeUrl = any?.typeUrl ?? "";
  const value = any?.value ?? new Uint8Array();
  if (typeUrl === "" && value.length === 0) return defaultRuncOptions;
  switch (messageNameOf(typeUrl)) {
    case RUNC_OPTIONS:
      return fromMessage(decode(RUNC_OPTIONS, () => containerd.runc.v1.Options.decode(value)));
    case GENERIC_OPTIONS:
      return fromGeneric(decode(GENERIC_OPTIONS, () => runtimeoptions.v1.Options.decode(value)));
    default:
      throw unknownType(`runtime options of type ${JSON.stringify(typeUrl)}`);
  }
}

function unknownType(what: string): StatusError {
  return new StatusError(StatusCode.invalidArgument, `${what} are not known here: ${RUNC_OPTIONS} is`);
}

function decode<T>(type: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new StatusError(StatusCode.invalidArgument, `runtime options are no ${type}`, { cause });
  }
}

/**
 * Of a message only what the options have: `task_api_address` and `task_api_version` tell the daemon where a
 * sandbox serves the task API, and a shim nothing.
 */
function fromMessage(message: containerd.runc.v1.IOptions): RuncOptions {
  const options: Record<string, unknown> = { ...defaultRuncOptions };
  for (const [name, value] of Object.entries(message)) {
    if (name in defaultRuncOptions) options[name] = value;
  }
  return options as unknown as RuncOptions;
}

/**
 * The type says what the configuration holds, where the daemon's own configuration has one. A file comes before a
 * body, of which CRI hands on the table `options` of the runtime.
 */
async function fromGeneric(message: runtimeoptions.v1.IOptions): Promise<RuncOptions> {
  const { typeUrl = "", configPath = "", configBody = new Uint8Array() } = message;
  if (!configPath && configBody?.length === 0) return defaultRuncOptions;
  if (typeUrl && messageNameOf(typeUrl) !== RUNC_OPTIONS) {
    throw unknownType(`runtime options with a configuration of type ${JSON.stringify(typeUrl)}`);
  }
  const { optionsFromToml } = await import("./toml-options.ts");
  if (configPath) {
    return optionsFromToml(readConfiguration(configPath), `the runtime's configuration ${configPath}`);
  }
  return optionsFromToml(Buffer.from(configBody ?? []).toString(), "the runtime's options");
}

function readConfiguration(file: string): string {
  const text = readTextFile(file, MAX_CONFIG_BYTES);
  if (text !== undefined) return text;
  throw new StatusError(
    StatusCode.invalidArgument,
    `the runtime's configuration ${file}: there is no such file`,
  );
}
