import { isReleaseMode, RELEASE_ANNOTATION, RELEASE_MODES, type ReleaseMode } from "../base/release-mode.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import type { Settings } from "./settings.ts";

/**
 * The release mode of a container: what its annotation says, else the host's. A word that is no mode is
 * `invalidArgument`: the shim does not guess what becomes of data.
 */
export function releaseModeOf(
  annotations: Readonly<Record<string, string>>,
  settings: Pick<Settings, "release">,
): ReleaseMode {
  const word = Object.hasOwn(annotations, RELEASE_ANNOTATION) ? annotations[RELEASE_ANNOTATION] : undefined;
  if (word === undefined) return settings.release;
  if (isReleaseMode(word)) return word;
  const message = `annotation ${RELEASE_ANNOTATION} must be one of ${RELEASE_MODES.join(", ")}, not ${JSON.stringify(word)}`;
  throw new StatusError(StatusCode.invalidArgument, message);
}
