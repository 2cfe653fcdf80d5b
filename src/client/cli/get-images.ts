import type { ImageEvent } from "../images.ts";
import { ExitStatus } from "./exit-status.ts";
import { print } from "./print.ts";
import { openProgress, type ProgressFlags } from "./progress/open-progress.ts";
import { signalNumber } from "./signals.ts";
import { jsonLine } from "./words.ts";

/** An image that is here now. */
interface Named {
  readonly reference: string;
  readonly digest: string;
}

/** What the work is told. */
export interface GetOptions {
  readonly onProgress: (event: ImageEvent) => void;
  readonly signal: AbortSignal;
}

/**
 * Gets images, shows how far they are as the flags say, and prints the name of each in the end; resolves to the exit
 * status. A reader of events that has gone ends it, as it would end a program that does not look.
 */
export async function getImages(
  flags: ProgressFlags,
  signal: AbortSignal,
  work: (options: GetOptions) => Promise<readonly Named[]>,
): Promise<number> {
  const gone = new AbortController();
  const progress = await openProgress(flags, (error) => gone.abort(error));
  try {
    const images = await work({
      onProgress: progress.show,
      signal: AbortSignal.any([signal, gone.signal]),
    });
    await progress.end();
    return await print(images.map((image) => describe(image, flags.json ?? false)).join("\n"));
  } catch (error) {
    await progress.end().catch(() => {});
    if (gone.signal.aborted && !signal.aborted) return ExitStatus.signal + signalNumber("SIGPIPE");
    throw error;
  }
}

/** A name that has a digest already says all. */
function describe({ reference, digest }: Named, json: boolean): string {
  if (json) return jsonLine({ kind: "image", reference, digest });
  return reference.includes("@") ? reference : `${reference}@${digest}`;
}
