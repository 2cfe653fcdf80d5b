import type { ContentStore } from "../content-store.ts";
import type { Descriptor } from "../descriptor.ts";
import type { Digest } from "../digest.ts";
import type { Archive } from "./archive.ts";

/** An image that is in the content store, and what its archive calls it. */
export interface LoadedImage {
  readonly target: Descriptor;
  readonly names: readonly string[];
}

/** What puts the blobs of an archive into a store. */
export interface Loading {
  readonly archive: Archive;
  readonly store: ContentStore;
  readonly signal: AbortSignal;
  readonly onBytes: (digest: Digest, total: number) => void;
}
