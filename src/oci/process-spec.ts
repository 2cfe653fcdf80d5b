import type { JSONSchema } from "json-schema-to-ts";
import { jsonReader } from "../base/json.ts";
import type { AnyMessage } from "./options.ts";

/** The rest is the OCI runtime's to check. */
const reader = jsonReader({
  type: "object",
  properties: { terminal: { type: "boolean" } },
} as const satisfies JSONSchema);

/** What has to be told apart to find a field of the outermost object: that field, other strings, brackets. */
const TOKEN = /("terminal"\s*:\s*(?:true|false|null))|"(?:[^"\\]|\\.)*"|[{}[\]]/gs;

/**
 * The OCI process that came with an exec, as the JSON text that `runc exec` takes. It is passed on as it came,
 * for its numbers may be larger than a JavaScript number holds; only `terminal` is made to say what the request
 * says. Anything that is no JSON object is `invalidArgument`; `where` begins the message.
 */
export function readProcessSpec(
  any: AnyMessage | null | undefined,
  terminal: boolean,
  where: string,
): string {
  const text = Buffer.from(any?.value ?? []).toString("utf8");
  const spec = reader.parse(text, where);
  if ((spec.terminal ?? false) === terminal) return text;
  return setTerminal(text, terminal);
}

function setTerminal(text: string, terminal: boolean): string {
  const field = `"terminal":${terminal}`;
  let depth = 0;
  let found = false;
  const changed = text.replace(TOKEN, (token, ours?: string) => {
    if (token === "{" || token === "[") depth += 1;
    if (token === "}" || token === "]") depth -= 1;
    if (ours === undefined || depth !== 1) return token;
    found = true;
    return field;
  });
  return found ? changed : text.replace(/\{(?!\s*\})/, `{${field},`);
}
