import { isObject } from "../base/json-finding.ts";
import { readConfig, refusal } from "./config.ts";

/**
 * The annotations of a bundle's config.json. As {@link readConfig}, and `invalidArgument` where they are no texts.
 */
export function readAnnotations(bundle: string): Readonly<Record<string, string>> {
  // As in Go's decoder, a `null` counts as a field that is not there.
  const annotations = readConfig(bundle).annotations ?? {};
  if (!isObject(annotations) || Array.isArray(annotations)) {
    throw refusal(bundle, "/annotations must be an object");
  }
  for (const name in annotations) {
    if (annotations[name] === null) delete annotations[name];
    else if (typeof annotations[name] !== "string") {
      throw refusal(bundle, `/annotations/${name} must be a string`);
    }
  }
  return annotations as Readonly<Record<string, string>>;
}
