import { StatusCode, StatusError } from "../base/status.ts";

/** What an image says about the containers that are made of it; what it leaves out is empty. */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** `NAME=value` each. */
  readonly env: readonly string[];
  /** `/` where the image names none. */
  readonly workingDir: string;
  /** As the image has it: NAME[:GROUP] or UID[:GID]. */
  readonly user: string;
  /** A name (`SIGTERM`) or a number. */
  readonly stopSignal: string;
}

/** An image of this host that containers can be made of. */
export interface ReadyImage {
  /** The canonical name, `docker.io/library/busybox:latest`. */
  readonly reference: string;
  /** The digest of what the reference stood for when it was fetched: a manifest or an index. */
  readonly digest: string;
  readonly config: ImageConfig;
  /** The directories of its layers, as an overlay takes them: the topmost first. */
  readonly lowerDirs: readonly string[];
}

/** Where a layer is on its way. One that is there already, or that somebody else is at, is `waiting`, then `done`. */
export type LayerPhase = "waiting" | "fetching" | "fetched" | "unpacking" | "writing" | "done";

/** What happens on the way to an image. */
export type ImageEvent =
  /** What its layers are; the sizes are those of the fetched archives, in bytes. */
  | {
      readonly kind: "layers";
      readonly reference: string;
      readonly layers: readonly { readonly digest: string; readonly size: number }[];
    }
  /** A layer has got on: so many bytes of its archive are fetched, or unpacked. */
  | { readonly kind: "layer"; readonly digest: string; readonly phase: LayerPhase; readonly bytes: number }
  /** Something that people want to know of, such as a request that is made again. */
  | { readonly kind: "note"; readonly text: string };

/** How to get an image. */
export interface EnsureImageOptions {
  /** Whether to ask its registry: never, only where the image is not there (the default), or each time. */
  readonly pull?: "missing" | "always" | "never";
  /** `os/architecture[/variant]`; this host's where it is missing. */
  readonly platform?: string;
  readonly onProgress?: (event: ImageEvent) => void;
  readonly signal?: AbortSignal;
}

/**
 * The image that a reference stands for, fetched where it is to be, and unpacked: with the settings and the directory
 * of this host's configuration. `invalidArgument` for what is no reference; `notFound` where neither this host nor
 * the registry has it; the errors of fetching and unpacking. What several ask for at once is done once.
 */
export async function ensureImage(reference: string, _options: EnsureImageOptions = {}): Promise<ReadyImage> {
  throw new StatusError(StatusCode.unimplemented, `${reference}: images cannot be fetched yet`);
}
