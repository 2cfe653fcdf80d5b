import { StatusCode, StatusError } from "../../base/status.ts";

/** A failure that the same request need not meet again: a broken or stalled connection, an answer of 5xx. */
export class PassingError extends StatusError {
  constructor(message: string, options?: { cause?: unknown }) {
    super(StatusCode.unavailable, message, options);
    this.name = "PassingError";
  }
}

/** Why a server cannot be reached, by what node and Bun call it: the next moment changes nothing. */
const UNREACHABLE: readonly (readonly [RegExp, string])[] = [
  [/^(ECONNREFUSED|ConnectionRefused)$/, "nobody listens there"],
  [/^ENOTFOUND$/, "there is no such host"],
  [/^EAI_AGAIN$/, "nobody answers who knows hosts by their names"],
  [/^(EHOSTUNREACH|ENETUNREACH)$/, "there is no way to it"],
  [
    /^(EPROTO|ERR_SSL_.*|ERR_TLS_.*(VERSION|PROTOCOL|HANDSHAKE).*)$/,
    "it does not speak TLS (images.insecureRegistries names those that are asked without)",
  ],
  [
    /(^|_)(CERT|ALTNAME|UNABLE_TO)(_|$)/,
    "its certificate is not one that Node trusts (NODE_EXTRA_CA_CERTS names a file with more)",
  ],
];
const NOT_HTTP = /^(HPE_.*|Malformed_HTTP_Response)$/;
const HEADERS = /^(UND_ERR_HEADERS_OVERFLOW|HPE_HEADER_OVERFLOW)$/;

/** What a request or its answer ended with, as an error that names the host. */
export function fromHttp(thrown: unknown, host: string): StatusError {
  if (thrown instanceof StatusError) return thrown;
  const reason = reasonOf(thrown);
  const options = { cause: thrown };
  if (HEADERS.test(reason)) return headersTooLarge(host);
  if (NOT_HTTP.test(reason)) {
    return new StatusError(StatusCode.unavailable, `registry ${host} does not speak HTTP`, options);
  }
  const why = UNREACHABLE.find(([code]) => code.test(reason))?.[1];
  if (why !== undefined) {
    return new StatusError(StatusCode.unavailable, `cannot reach registry ${host}: ${why}`, options);
  }
  return new PassingError(`the connection to registry ${host} broke: ${reason}`, options);
}

/** For headers beyond the limit. */
export function headersTooLarge(host: string): StatusError {
  return new StatusError(StatusCode.failedPrecondition, `registry ${host} answers with too many headers`);
}

/** An answer that is not what was asked for, as an error; `what` is what was asked for. */
export function fromAnswer(status: number, host: string, what: string): StatusError {
  if (status >= 500) return new PassingError(`registry ${host} answers ${status} for ${what}`);
  if (status === 404) return new StatusError(StatusCode.notFound, `registry ${host} has no ${what}`);
  if (status === 403) {
    return new StatusError(StatusCode.permissionDenied, `registry ${host} does not give out ${what}`);
  }
  if (status === 429) {
    return new StatusError(StatusCode.unavailable, `registry ${host} takes no more requests for now`);
  }
  return new StatusError(StatusCode.failedPrecondition, `registry ${host} answers ${status} for ${what}`);
}

/** Node has the cause in `cause`, Bun in the error itself; both by a code, at times only in words. */
function reasonOf(thrown: unknown): string {
  const inner = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  if (!(inner instanceof Error)) return String(inner);
  return "code" in inner && typeof inner.code === "string" ? inner.code : inner.message;
}
