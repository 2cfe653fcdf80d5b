import type { Digest } from "../digest.ts";

/** How far a layer is. Who waits for a layer that somebody else unpacks hears of its beginning and its end only. */
export interface UnpackProgress {
  /** The layer's digest as it is in the store. */
  readonly layer: Digest;
  readonly state: "waiting" | "unpacking" | "writing" | "done";
  /** How many bytes of its archive are unpacked. */
  readonly bytes: number;
}
