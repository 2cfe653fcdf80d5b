/**
 * The one error vocabulary of the project. Every layer throws {@link StatusError}; each foreign world
 * (errno, runc's text, wire status) has one translator into it, next to that world's code.
 */

/** gRPC status codes, by their numbers on the wire (grpc/doc/statuscodes.md). */
export const StatusCode = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** One of the numbers in {@link StatusCode}. */
export type StatusCode = (typeof StatusCode)[keyof typeof StatusCode];

/** The name of a code in the form `not found`, for messages and logs; `code 99` for a number nobody defined. */
export function statusCodeName(code: number): string {
  for (const [name, value] of Object.entries(StatusCode)) {
    if (value === code) return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  }
  return `code ${code}`;
}

/**
 * An error with a gRPC code. The message is what the caller of an RPC or of a command reads: lower case, no
 * full stop, naming the path, id or pid it is about. The cause is kept for the log and never sent.
 */
export class StatusError extends Error {
  readonly code: StatusCode;

  constructor(code: StatusCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "StatusError";
    this.code = code;
  }

  /**
   * The gate for whatever was thrown: a StatusError passes unchanged, an abort becomes `cancelled`, anything
   * else becomes `internal` with the original as cause.
   */
  static from(thrown: unknown): StatusError {
    if (thrown instanceof StatusError) return thrown;
    if (thrown instanceof Error) {
      const code = thrown.name === "AbortError" ? StatusCode.cancelled : StatusCode.internal;
      return new StatusError(code, thrown.message, { cause: thrown });
    }
    return new StatusError(StatusCode.internal, String(thrown), { cause: thrown });
  }
}

/** Whether something thrown carries this very code. */
export function hasCode(thrown: unknown, code: StatusCode): thrown is StatusError {
  return thrown instanceof StatusError && thrown.code === code;
}
