import cliProgress, { type Options, type Params, type SingleBar } from "cli-progress";
import type { ImageEvent, LayerPhase } from "../../images.ts";
import { printable, shortId, sizeText } from "../words.ts";
import type { ProgressView } from "./progress-view.ts";

/** What a bar shows beside its value. */
interface Payload {
  readonly name: string;
  readonly phase: LayerPhase;
  readonly text: string;
}

interface Layer {
  readonly bar: SingleBar;
  readonly size: number;
}

/** The phases in which a layer is there in part. */
const ON_THE_WAY: ReadonlySet<LayerPhase> = new Set(["fetching", "stalled", "retrying"]);

/** For a terminal that does not know how many lines it has. */
const USUAL_ROWS = 24;

/** As wide as the longest phase. */
const PHASE_WIDTH = 9;

/**
 * Progress as a bar for each layer, on a terminal. More layers than the terminal has lines are shown without bars, as
 * what is above the first line cannot be drawn again.
 */
export function barProgress(terminal: NodeJS.WriteStream, fallback: ProgressView): ProgressView {
  const bars = new cliProgress.MultiBar({
    stream: terminal,
    format,
    barsize: 30,
    barCompleteChar: "=",
    barIncompleteChar: " ",
    hideCursor: true,
    // Signals are for the command, which closes this view.
    gracefulExit: false,
    emptyOnZero: true,
  });
  const layers = new Map<string, Layer>();
  const begin = (found: readonly { readonly digest: string; readonly size: number }[]) => {
    for (const { digest, size } of found) {
      if (layers.has(digest)) continue;
      const payload: Payload = { name: shortId(digest), phase: "waiting", text: sizeText(size) };
      layers.set(digest, { size, bar: bars.create(Math.max(1, size), 0, payload) });
    }
  };
  const show = (event: ImageEvent) => {
    if (event.kind === "layers" && event.layers.length < (terminal.rows || USUAL_ROWS)) begin(event.layers);
    if (!bars.isActive) return fallback.show(event);
    if (event.kind !== "layer") return;
    advance(layers.get(event.digest), event);
    if (event.reason !== undefined) bars.log(`${shortId(event.digest)}: ${printable(event.reason)}\n`);
  };
  const close = () => {
    if (!bars.isActive) return;
    // What was noted last is not drawn yet.
    bars.update();
    bars.stop();
  };
  return { show, close };
}

function advance(layer: Layer | undefined, { phase, bytes }: { phase: LayerPhase; bytes: number }): void {
  if (layer === undefined) return;
  const { bar, size } = layer;
  if (ON_THE_WAY.has(phase)) bar.update(bytes, { phase, text: `${sizeText(bytes)} of ${sizeText(size)}` });
  // How much there is to unpack is not known before its end.
  else if (phase === "unpacking")
    bar.update(Math.max(1, size), { phase, text: `${sizeText(bytes)} unpacked` });
  else bar.update(phase === "waiting" ? 0 : Math.max(1, size), { phase, text: sizeText(size) });
}

function format(options: Options, { progress }: Params, { name, phase, text }: Payload): string {
  return `${name} ${phase.padEnd(PHASE_WIDTH)} [${cliProgress.Format.BarFormat(progress, options)}] ${text}`;
}
