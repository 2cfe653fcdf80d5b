import type { StatusError } from "../../base/status.ts";
import type { Descriptor } from "../descriptor.ts";
import type { Digest } from "../digest.ts";

/**
 * Where a layer is on its way. `waiting` is for its turn, or for somebody else who fetches it; `stalled` that its
 * request is open and gives no byte; `retrying` that it is asked for again a little later; `exists` that it was there.
 */
export type LayerState = "waiting" | "fetching" | "stalled" | "retrying" | "exists" | "done";

/** What happens while an image is pulled. */
export type PullEvent =
  /** What is to be fetched, the lowest layer first; each once. */
  | {
      readonly kind: "layers";
      readonly reference: string;
      readonly digest: Digest;
      readonly layers: readonly { readonly digest: Digest; readonly size: number }[];
    }
  /** A layer has got on: `bytes` of its `size` are there. */
  | {
      readonly kind: "layer";
      readonly digest: Digest;
      readonly state: LayerState;
      readonly bytes: number;
      readonly size: number;
      /** Why it is asked for again. */
      readonly reason?: string;
    }
  /** The image has got on: `bytes` of all its layers' `size` are there. */
  | { readonly kind: "total"; readonly bytes: number; readonly size: number };

/** Nobody sees less of a layer than this part of it. */
const PARTS = 200;

/** Tells how far the layers of an image are, and the whole of it. */
export class PullProgress {
  readonly #tell: (event: PullEvent) => void;
  readonly #layers = new Map<Digest, LayerProgress>();

  constructor(tell: (event: PullEvent) => void) {
    this.#tell = tell;
  }

  /** Says what there is to fetch; each of these can be asked for by {@link layer}. */
  begin(reference: string, digest: Digest, layers: readonly Descriptor[]): void {
    const known = layers.map((layer) => ({ digest: layer.digest, size: layer.size }));
    this.#tell({ kind: "layers", reference, digest, layers: known });
    for (const layer of layers) {
      const progress = new LayerProgress(layer, (event) => {
        this.#tell(event);
        this.#tellTotal();
      });
      this.#layers.set(layer.digest, progress);
    }
    for (const { digest } of known) this.layer(digest)?.to("waiting");
  }

  layer(digest: Digest): LayerProgress | undefined {
    return this.#layers.get(digest);
  }

  #tellTotal(): void {
    const sum = { bytes: 0, size: 0 };
    for (const { bytes, size } of this.#layers.values()) {
      sum.bytes += bytes;
      sum.size += size;
    }
    this.#tell({ kind: "total", ...sum });
  }
}

/** How far one layer is. */
export class LayerProgress {
  readonly digest: Digest;
  readonly size: number;
  readonly #tell: (event: PullEvent) => void;
  #state: LayerState = "waiting";
  #bytes = 0;
  #told = 0;

  constructor({ digest, size }: Descriptor, tell: (event: PullEvent) => void) {
    this.digest = digest;
    this.size = size;
    this.#tell = tell;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** It is somewhere else on its way; what is done stays so. */
  to(state: LayerState, reason?: StatusError): void {
    this.#state = state;
    if (state === "exists" || state === "done") this.#bytes = this.size;
    this.#told = this.#bytes;
    const { digest, size } = this;
    const why = reason && { reason: reason.message };
    this.#tell({ kind: "layer", digest, state, bytes: this.#bytes, size, ...why });
  }

  /** So many bytes of it are there. One that comes again is not stalled any more. */
  at(bytes: number): void {
    const isBack = bytes > this.#bytes && (this.#state === "stalled" || this.#state === "retrying");
    const isSeen = Math.abs(bytes - this.#told) >= this.size / PARTS;
    this.#bytes = bytes;
    if (isBack || isSeen) this.to(isBack ? "fetching" : this.#state);
  }
}
