import { isObject } from "../base/json-finding.ts";
import { type Config, configSchema } from "./schema.ts";

/** A checked document with the default put to every setting that it does not have. */
export function complete(document: object): Config {
  const { runtime, images } = withDefaults(configSchema, document) as Config;
  return { runtime, images };
}

/** The configuration of a host without a file. */
export const defaultConfig: Config = complete({});

/** A value of a schema, with the schema's defaults for what it does not have, however deep. */
function withDefaults(schema: unknown, value: unknown): unknown {
  if (!isObject(schema)) return value;
  const given = value === undefined ? schema.default : value;
  if (!isObject(schema.properties) || !isObject(given)) return given;
  // A plain loop: every start of a container goes through here twice, before any of it is compiled.
  const complete: Record<string, unknown> = {};
  for (const name in schema.properties) {
    const field = withDefaults(schema.properties[name], given[name]);
    if (field !== undefined) complete[name] = field;
  }
  return complete;
}
