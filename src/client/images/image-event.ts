/** Where a layer is on its way. One that is there already, or that somebody else is at, is `waiting`, then `done`. */
export type LayerPhase = "waiting" | "fetching" | "fetched" | "unpacking" | "writing" | "done";

/** What happens on the way to an image. */
export type ImageEvent =
  /** What its layers are, the lowest first; the sizes are those of their packed archives, in bytes. */
  | {
      readonly kind: "layers";
      readonly reference: string;
      readonly layers: readonly { readonly digest: string; readonly size: number }[];
    }
  /** A layer has got on: so many bytes of its archive have been fetched, or have come out of it unpacked. */
  | { readonly kind: "layer"; readonly digest: string; readonly phase: LayerPhase; readonly bytes: number }
  /** Something that people want to know of, such as a request that is made again. */
  | { readonly kind: "note"; readonly text: string };
