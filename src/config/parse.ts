import { decodeJson } from "../base/decode-json.ts";
import { jsonReader } from "../base/json.ts";
import { StatusCode } from "../base/status.ts";
import { complete } from "./defaults.ts";
import { migrate } from "./migrate.ts";
import { type Config, configSchema } from "./schema.ts";

const reader = jsonReader(configSchema);

/** The configuration that a text is, of whichever known version, complete. `where` begins an error's message. */
export function parseConfig(text: string, where: string): Config {
  const document = decodeJson(text, where, StatusCode.invalidArgument);
  return complete(reader.check(migrate(document, where), where));
}
