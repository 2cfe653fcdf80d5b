import { decodeJson } from "../base/decode-json.ts";
import { readTextFile } from "../base/files.ts";
import { isObject } from "../base/json-finding.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { bundlePaths } from "./bundle-paths.ts";

/** No configuration comes near it: those of the largest pods are some hundred kilobytes. */
export const MAX_CONFIG_BYTES = 16 << 20;

type Json = Readonly<Record<string, unknown>>;

/**
 * A bundle's config.json (opencontainers/runtime-spec config.md), of which only what the shim goes by is looked at: it
 * belongs to the OCI runtime, which checks it. Without a validator, whose package a start of a container would load for
 * this alone. `notFound` where there is no file, `resourceExhausted` where it is larger than {@link MAX_CONFIG_BYTES},
 * `invalidArgument` where it is no JSON object; each names the file.
 */
function readConfig(file: string): Json {
  const text = readTextFile(file, MAX_CONFIG_BYTES);
  if (text === undefined) throw new StatusError(StatusCode.notFound, `${file}: no such file`);
  const config = decodeJson(text, file, StatusCode.invalidArgument);
  if (!isObject(config) || Array.isArray(config)) throw refusal(file, "the document must be an object");
  return config;
}

/** The annotations; errors as of {@link readConfig}, and `invalidArgument` where they are no texts. */
export function readAnnotations(bundle: string): Readonly<Record<string, string>> {
  const file = bundlePaths(bundle).config;
  // As in Go's decoder, a `null` counts as a field that is not there.
  const annotations = readConfig(file).annotations ?? {};
  if (!isObject(annotations) || Array.isArray(annotations))
    throw refusal(file, "/annotations must be an object");
  for (const name in annotations) {
    if (annotations[name] === null) delete annotations[name];
    else if (typeof annotations[name] !== "string")
      throw refusal(file, `/annotations/${name} must be a string`);
  }
  return annotations as Readonly<Record<string, string>>;
}

/** Whether there are hooks that are run once the user's program runs; errors as of {@link readConfig}. */
export function hasPoststartHooks(bundle: string): boolean {
  const { hooks } = readConfig(bundlePaths(bundle).config);
  const poststart = isObject(hooks) ? (hooks.poststart ?? []) : [];
  return !Array.isArray(poststart) || poststart.length > 0;
}

function refusal(file: string, what: string): StatusError {
  return new StatusError(StatusCode.invalidArgument, `${file}: ${what}`);
}
