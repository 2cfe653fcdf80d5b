import { jsonReader } from "../base/json.ts";
import type { AnyMessage } from "./options.ts";

/** The OCI runtime checks the limits themselves; here it matters that there is something to check. */
const resourcesReader = jsonReader({ type: "object" });

/**
 * The OCI LinuxResources that came with an update, as the JSON text that `runc update` takes. Anything
 * that is no JSON object is `invalidArgument`, naming the container.
 */
export function readResources(any: AnyMessage | null | undefined, id: string): string {
  const text = Buffer.from(any?.value ?? []).toString("utf8");
  resourcesReader.parse(text, `the resources for container ${id}`);
  return text;
}
