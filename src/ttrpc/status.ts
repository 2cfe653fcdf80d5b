import { StatusCode, StatusError } from "../base/status.ts";
import type { google } from "../proto/index.ts";

/** The most characters of an error's message that are sent: the rest would only take the answer over the limit. */
const MAX_MESSAGE_LENGTH = 64 << 10;

const KNOWN_CODES: ReadonlySet<number> = new Set(Object.values(StatusCode));

function isStatusCode(code: number): code is StatusCode {
  return KNOWN_CODES.has(code);
}

/** The status that travels for an error: its code and message; never the cause or the stack. */
export function statusToWire(error: StatusError): google.rpc.Status.$Properties {
  // A thrown "ok" would reach the peer as a success without a result.
  const code = error.code === StatusCode.ok ? StatusCode.unknown : error.code;
  return { code, message: error.message.slice(0, MAX_MESSAGE_LENGTH) };
}

/**
 * The error a peer has answered, or undefined where the status is absent or `ok`. A code that gRPC does not
 * define becomes `unknown`. Details are not interpreted; where there are any, `cause` holds the status itself.
 */
export function statusFromWire(
  status: google.rpc.Status.$Properties | null | undefined,
): StatusError | undefined {
  const code = status?.code ?? StatusCode.ok;
  if (code === StatusCode.ok) return undefined;
  const cause = status?.details?.length ? { cause: status } : undefined;
  return new StatusError(isStatusCode(code) ? code : StatusCode.unknown, status?.message ?? "", cause);
}

/**
 * The error for a call whose signal has aborted: `deadlineExceeded` where a time ran out, `cancelled` for any
 * other reason, which becomes the cause. A StatusError given as the reason passes unchanged.
 */
export function abortError(reason: unknown, what: string): StatusError {
  if (reason instanceof StatusError) return reason;
  const timedOut = reason instanceof Error && reason.name === "TimeoutError";
  const code = timedOut ? StatusCode.deadlineExceeded : StatusCode.cancelled;
  const why = timedOut ? "took longer than its time" : "was cancelled";
  return new StatusError(code, `${what} ${why}`, { cause: reason });
}

/** The error for a message that is too long to send or was too long to take. */
export function oversizedError(length: number, limit: number): StatusError {
  const message = `message of ${length} bytes exceeds the limit of ${limit} bytes`;
  return new StatusError(StatusCode.resourceExhausted, message);
}
