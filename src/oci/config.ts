import { decodeJson } from "../base/decode-json.ts";
import { readTextFile } from "../base/files.ts";
import { isObject } from "../base/json-finding.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { bundlePaths } from "./bundle-paths.ts";

/** No configuration comes near it: those of the largest pods are some hundred kilobytes. */
export const MAX_CONFIG_BYTES = 16 << 20;

/**
 * A bundle's config.json (opencontainers/runtime-spec config.md), of which only what a shim needs is looked at: it
 * belongs to the OCI runtime, which checks it. Without a validator, whose package a start of a container would load for
 * this alone. `notFound` where there is no file, `resourceExhausted` where it is larger than {@link MAX_CONFIG_BYTES},
 * `invalidArgument` where it is no JSON object; each names the file.
 */
export function readConfig(bundle: string): Readonly<Record<string, unknown>> {
  const file = bundlePaths(bundle).config;
  const text = readTextFile(file, MAX_CONFIG_BYTES);
  if (text === undefined) throw new StatusError(StatusCode.notFound, `${file}: no such file`);
  const config = decodeJson(text, file, StatusCode.invalidArgument);
  if (isObject(config) && !Array.isArray(config)) return config;
  throw refusal(bundle, "the document must be an object");
}

/** What it says of where the container's control groups are; undefined where it cannot be read, or says nothing. */
export function cgroupsPathOf(bundle: string): unknown {
  try {
    const { linux } = readConfig(bundle);
    return isObject(linux) ? linux.cgroupsPath : undefined;
  } catch {
    return undefined;
  }
}

/** What is wrong with a bundle's config.json. */
export function refusal(bundle: string, what: string): StatusError {
  return new StatusError(StatusCode.invalidArgument, `${bundlePaths(bundle).config}: ${what}`);
}
