import type { ImageEvent, LayerPhase } from "../../images.ts";
import { printable, shortId, sizeText } from "../words.ts";
import type { ProgressView } from "./progress-view.ts";

/** The phases that are worth a line; a layer that is there already has the last one alone. */
const TOLD: ReadonlySet<LayerPhase> = new Set(["fetching", "fetched", "unpacking", "done"]);

/** Progress as lines, one for each phase that a layer comes to: for logs. */
export function lineProgress(write: (line: string) => void): ProgressView {
  const sizes = new Map<string, number>();
  const told = new Map<string, LayerPhase>();
  const layer = (digest: string, phase: LayerPhase) => {
    if (!TOLD.has(phase) || told.get(digest) === phase) return;
    told.set(digest, phase);
    write(
      `${shortId(digest)}: ${phase}${phase === "fetching" ? `, ${sizeText(sizes.get(digest) ?? 0)}` : ""}`,
    );
  };
  const show = (event: ImageEvent) => {
    if (event.kind === "note") write(printable(event.text));
    else if (event.kind === "layer") layer(event.digest, event.phase);
    else for (const { digest, size } of event.layers) sizes.set(digest, size);
  };
  return { show, close: () => {} };
}
