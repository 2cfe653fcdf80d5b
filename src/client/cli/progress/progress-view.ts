import type { ImageEvent } from "../../images.ts";
import { jsonLine } from "../words.ts";

/** Shows people or programs how far an image is. */
export interface ProgressView {
  readonly show: (event: ImageEvent) => void;
  /** Leaves the terminal as it was. Called once, whatever happened. */
  readonly close: () => void;
}

/** Shows each event to those who read it as a line of JSON. */
export function jsonProgress(write: (line: string) => void): ProgressView {
  return { show: (event) => write(jsonLine(event)), close: () => {} };
}

/** Shows nothing. */
export const noProgress: ProgressView = { show: () => {}, close: () => {} };
