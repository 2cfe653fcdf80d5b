import { type StatusCode, StatusError } from "./status.ts";

/** The value of a JSON text. An error begins with `where` and says whether there is nothing or something else. */
export function decodeJson(text: string, where: string, code: StatusCode): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const problem = text.trim() === "" ? "is empty" : "is not JSON";
    throw new StatusError(code, `${where}: the document ${problem}`, { cause });
  }
}
