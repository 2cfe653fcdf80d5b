import { StatusCode, StatusError } from "../base/status.ts";

/** The longest identifier containerd takes. */
const MAX_LENGTH = 76;

const IDENTIFIER = /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/;

/**
 * Passes an identifier of a container or a namespace that follows containerd's rule (letters and digits, with
 * single `.`, `_` or `-` between them, at most 76 characters) and throws `invalidArgument` for any other. What
 * passes is safe as one element of a path.
 */
export function checkIdentifier(what: string, value: string): string {
  if (value.length <= MAX_LENGTH && IDENTIFIER.test(value)) return value;
  const rule = `letters and digits, with single ".", "_" or "-" between them, at most ${MAX_LENGTH} characters`;
  throw new StatusError(
    StatusCode.invalidArgument,
    `${what} ${JSON.stringify(value)} is not allowed: ${rule}`,
  );
}
