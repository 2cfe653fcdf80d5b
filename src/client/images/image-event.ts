/**
 * Where a layer is on its way. `stalled`: its request is open and gives no byte; `retrying`: it is asked for again a
 * little later. One that is here already, or that somebody else is at, is `waiting`, then `fetched` or `done`.
 */
export type LayerPhase =
  | "waiting"
  | "fetching"
  | "stalled"
  | "retrying"
  | "fetched"
  | "unpacking"
  | "writing"
  | "done";

/** What happens on the way to an image. */
export type ImageEvent =
  /** What its layers are, the lowest first; the sizes are those of their packed archives, in bytes. */
  | {
      readonly kind: "layers";
      readonly reference: string;
      readonly digest: string;
      readonly layers: readonly { readonly digest: string; readonly size: number }[];
    }
  /** A layer has got on: so many bytes of its archive have been fetched, or have come out of it unpacked. */
  | {
      readonly kind: "layer";
      readonly digest: string;
      readonly phase: LayerPhase;
      readonly bytes: number;
      /** Why it is asked for again. */
      readonly reason?: string;
    };
