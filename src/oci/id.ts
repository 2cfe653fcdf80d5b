import { StatusCode, StatusError } from "../base/status.ts";

const ID = /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/;
const MAX_ID_LENGTH = 76;

/**
 * Returns an id that containerd's identifiers allow: letters and digits, with single dots, dashes or
 * underscores between them, at most 76 long. Any other is `invalidArgument`. Ids become path names, and crun
 * takes `../x` for one.
 */
export function checkId(id: string): string {
  if (id.length > 0 && id.length <= MAX_ID_LENGTH && ID.test(id)) return id;
  const shown = JSON.stringify(id.length > 100 ? `${id.slice(0, 100)}…` : id);
  const rule = `letters and digits with single "." "-" "_" between them, at most ${MAX_ID_LENGTH}`;
  throw new StatusError(StatusCode.invalidArgument, `id ${shown} is not allowed: ${rule}`);
}
