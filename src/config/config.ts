import path from "node:path";
import { readTextFile } from "../base/files.ts";
import { decodeJson, jsonReader } from "../base/json.ts";
import { isObject } from "../base/json-finding.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { migrate } from "./migrate.ts";
import { type Config, configSchema } from "./schema.ts";

/** Where the configuration is unless EBB_CONFIG names another file. */
export const DEFAULT_CONFIG_FILE = "/etc/ebb/config.json";

/** No configuration comes near it: one that names every setting has some kilobytes. */
const MAX_CONFIG_BYTES = 64 << 10;

const reader = jsonReader(configSchema);

/** The configuration of a host without a file. */
export const defaultConfig: Config = complete({});

/**
 * The host's configuration: from the file that EBB_CONFIG names, else from {@link DEFAULT_CONFIG_FILE} where
 * there is one, else the defaults. Whatever is wrong with the file is one error that begins with its path and
 * names every place in it: `invalidArgument`; `notFound` where EBB_CONFIG names no file.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const named = env.EBB_CONFIG ?? "";
  if (named !== "" && !path.isAbsolute(named)) {
    throw new StatusError(StatusCode.invalidArgument, `EBB_CONFIG must be an absolute path, not ${named}`);
  }
  const file = named === "" ? DEFAULT_CONFIG_FILE : named;
  const text = readTextFile(file, MAX_CONFIG_BYTES);
  if (text !== undefined) return parseConfig(text, file);
  if (named === "") return defaultConfig;
  throw new StatusError(StatusCode.notFound, `${file}: no such file, and EBB_CONFIG names it`);
}

/** The configuration that a text is, of whichever known version, complete. `where` begins an error's message. */
export function parseConfig(text: string, where: string): Config {
  const document = decodeJson(text, where, StatusCode.invalidArgument);
  return complete(reader.check(migrate(document, where), where));
}

/** Puts the default to every setting that is not there. */
function complete(document: object): Config {
  const { runtime, images } = withDefaults(configSchema, document) as Config;
  return { runtime, images };
}

/** A value of a schema, with the schema's defaults for what it does not have, however deep. */
function withDefaults(schema: unknown, value: unknown): unknown {
  if (!isObject(schema)) return value;
  const given = value === undefined ? schema.default : value;
  if (!isObject(schema.properties) || !isObject(given)) return given;
  const fields = Object.entries(schema.properties).map(([name, field]) => [
    name,
    withDefaults(field, given[name]),
  ]);
  return Object.fromEntries(fields.filter(([, field]) => field !== undefined));
}
