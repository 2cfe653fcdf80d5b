import { StatusCode, StatusError } from "../../base/status.ts";

/** An archive that is damaged. */
export function broken(what: string): StatusError {
  return new StatusError(StatusCode.dataLoss, what);
}

/** An archive that asks for what no image may do. */
export function refused(what: string): StatusError {
  return new StatusError(StatusCode.invalidArgument, what);
}

/** More than somebody has set as the limit. */
export function tooMuch(what: string): StatusError {
  return new StatusError(StatusCode.resourceExhausted, what);
}

/** An error with what it is about before it. */
export function about(what: string, thrown: unknown): StatusError {
  const { code, message, cause } = StatusError.from(thrown);
  return new StatusError(code, `${what}: ${message}`, { cause: cause ?? thrown });
}

/** How much of a name a message shows. */
const MAX_SHOWN = 200;

/** A name from an archive, for a message: quoted, its control characters escaped, not longer than a line. */
export function shown(name: string): string {
  const text = Buffer.from(name, "latin1").toString("utf8");
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
}

/** Runs something about an entry; what it throws names the entry. */
export function inEntry<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw about(`entry ${shown(name)}`, thrown);
  }
}
