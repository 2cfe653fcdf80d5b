import { StatusCode, StatusError } from "../base/status.ts";

/** The manifest of one image, in OCI's and in docker's terms. */
export const MANIFEST_TYPES = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
] as const;

/** The list of an image's manifests, one for each platform. */
export const INDEX_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
] as const;

/** What an image is run with. */
export const CONFIG_TYPES = [
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
] as const;

/** The form that docker had until 2016: its layers are named, but nothing says what is in them unpacked. */
const OLD_TYPES: readonly string[] = [
  "application/vnd.docker.distribution.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v1+prettyjws",
];

/** What a manifest or an index is; an error that says what else it is. */
export function kindOf(mediaType: string, what: string): "manifest" | "index" {
  if (MANIFEST_TYPES.some((known) => known === mediaType)) return "manifest";
  if (INDEX_TYPES.some((known) => known === mediaType)) return "index";
  if (OLD_TYPES.includes(mediaType)) throw tooOld(what);
  const message = `${what} is neither an image nor a list of images, but ${JSON.stringify(mediaType)}`;
  throw new StatusError(StatusCode.unimplemented, message);
}

/** The error for an image in docker's first form. */
export function tooOld(what: string): StatusError {
  const message = `${what} is in docker's old form (schema 1), which is not supported: it has to be pushed anew`;
  return new StatusError(StatusCode.unimplemented, message);
}
