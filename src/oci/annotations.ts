import { decodeJson } from "../base/decode-json.ts";
import { readTextFile } from "../base/files.ts";
import { isObject } from "../base/json-finding.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { bundlePaths } from "./bundle-paths.ts";

/** No configuration comes near it: those of the largest pods are some hundred kilobytes. */
export const MAX_CONFIG_BYTES = 16 << 20;

/**
 * The annotations of a bundle's config.json (opencontainers/runtime-spec config.md), of which nothing else is read
 * here: it belongs to the OCI runtime, which checks it. Without a validator, whose package a start of a container would
 * load for this alone. `notFound` where there is no file, `resourceExhausted` where it is larger than
 * {@link MAX_CONFIG_BYTES}, `invalidArgument` where it is no JSON object, or its annotations are no texts; each names
 * the file.
 */
export function readAnnotations(bundle: string): Readonly<Record<string, string>> {
  const file = bundlePaths(bundle).config;
  const text = readTextFile(file, MAX_CONFIG_BYTES);
  if (text === undefined) throw new StatusError(StatusCode.notFound, `${file}: no such file`);
  const refuse = (what: string) => new StatusError(StatusCode.invalidArgument, `${file}: ${what}`);
  const config = decodeJson(text, file, StatusCode.invalidArgument);
  if (!isObject(config) || Array.isArray(config)) throw refuse("the document must be an object");
  // As in Go's decoder, a `null` counts as a field that is not there.
  const annotations = config.annotations ?? {};
  if (!isObject(annotations) || Array.isArray(annotations)) throw refuse("/annotations must be an object");
  for (const name in annotations) {
    if (annotations[name] === null) delete annotations[name];
    else if (typeof annotations[name] !== "string") throw refuse(`/annotations/${name} must be a string`);
  }
  return annotations as Readonly<Record<string, string>>;
}
