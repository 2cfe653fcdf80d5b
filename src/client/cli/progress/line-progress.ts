import type { ImageEvent, LayerPhase } from "../../images.ts";
import { printable, shortId, sizeText } from "../words.ts";
import type { ProgressView } from "./progress-view.ts";

/** The phases that are worth no line: `done` says the same soon. */
const UNTOLD: ReadonlySet<LayerPhase> = new Set(["waiting", "writing"]);

/** Progress as lines, one for each phase that a layer comes to: for logs. */
export function lineProgress(write: (line: string) => void): ProgressView {
  const sizes = new Map<string, number>();
  const told = new Map<string, LayerPhase>();
  const tell = ({ digest, phase, reason }: Extract<ImageEvent, { kind: "layer" }>) => {
    const before = told.get(digest);
    // One that was here already is fetched by nobody.
    if (UNTOLD.has(phase) || before === phase || (phase === "fetched" && before === undefined)) return;
    told.set(digest, phase);
    const more = phase === "fetching" ? sizeText(sizes.get(digest) ?? 0) : reason;
    write(`${shortId(digest)}: ${phase}${more === undefined ? "" : `, ${printable(more)}`}`);
  };
  const show = (event: ImageEvent) => {
    if (event.kind === "layer") tell(event);
    else for (const { digest, size } of event.layers) sizes.set(digest, size);
  };
  return { show, close: () => {} };
}
