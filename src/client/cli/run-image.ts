import { type EnsureImageOptions, type HeldImage, holdImage, type ImageEvent } from "../images.ts";
import { openProgress } from "./progress/open-progress.ts";

/** The phases that take somebody's time. */
const WORK: ReadonlySet<string> = new Set(["fetching", "fetched", "unpacking"]);

/** An image for a container, kept until it is let go. How far it is, is shown on stderr where it is not there yet. */
export async function imageForRun(
  reference: string,
  options: Pick<EnsureImageOptions, "pull" | "signal">,
): Promise<HeldImage> {
  // Who does not want to see it does not want to be told so.
  const progress = await openProgress({}, () => {});
  try {
    return await holdImage(reference, { ...options, onProgress: onceThereIsWork(progress.show) });
  } finally {
    await progress.end().catch(() => {});
  }
}

/** Holds back what happens until there is something to wait for: an image that is there is used without a word. */
export function onceThereIsWork(show: (event: ImageEvent) => void): (event: ImageEvent) => void {
  let held: ImageEvent[] | undefined = [];
  return (event) => {
    if (held === undefined) return show(event);
    held.push(event);
    if (event.kind !== "layer" || !WORK.has(event.phase)) return;
    for (const earlier of held) show(earlier);
    held = undefined;
  };
}
