import { decodeJson } from "../base/decode-json.ts";
import { jsonReader } from "../base/json.ts";
import { findJsonMistake } from "../base/json-mistake.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { complete } from "./defaults.ts";
import { migrate } from "./migrate.ts";
import { type Config, configSchema } from "./schema.ts";

const reader = jsonReader(configSchema);

/** The configuration that a text is, of whichever known version, complete. `where` begins an error's message. */
export function parseConfig(text: string, where: string): Config {
  return complete(reader.check(migrate(decode(text, where), where), where));
}

/** The value of a text that a person wrote, who wants to know where the mistake is. */
function decode(text: string, where: string): unknown {
  try {
    return decodeJson(text, where, StatusCode.invalidArgument);
  } catch (error) {
    const { code, message } = StatusError.from(error);
    const place = text.trim() === "" ? undefined : findJsonMistake(text);
    if (place === undefined) throw error;
    throw new StatusError(code, `${message} at line ${place.line}, column ${place.column}`, { cause: error });
  }
}
