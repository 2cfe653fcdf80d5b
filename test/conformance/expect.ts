import assert from "node:assert/strict";
import { StatusCode, StatusError, statusCodeName } from "../../src/base/status.ts";
import { containerd } from "../../src/proto/index.ts";

/** How long a call may go unanswered before it counts as pending, in milliseconds. */
const PENDING_MS = 1_500;

/**
 * What came of a call, in one word or two: what it resolves to (`ok` for nothing), `pending`, or the name of the
 * error's code. Containerd's own shim calls by `unknown` what has no code of its own; a shim that tells it more
 * exactly, as `failed precondition`, `invalid argument` or `internal`, is as good: all are `refused`.
 */
export async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    const value = await call;
    return typeof value === "string" ? value : "ok";
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return nameOf(error);
  }
}

const VAGUE: readonly number[] = [
  StatusCode.unknown,
  StatusCode.failedPrecondition,
  StatusCode.invalidArgument,
  StatusCode.internal,
];

function nameOf(error: StatusError): string {
  if (error.code === StatusCode.deadlineExceeded) return "pending";
  return VAGUE.includes(error.code) ? "refused" : statusCodeName(error.code);
}

/** The call, with the time after which it counts as pending. */
export const briefly = { timeoutMs: PENDING_MS };

/** Asserts what comes of a call; `expected` may name several outcomes, with `|` between them. */
export async function expectOutcome(
  call: Promise<unknown>,
  expected: string,
  what = "the call",
): Promise<void> {
  const outcome = await outcomeOf(call);
  assert.ok(expected.split("|").includes(outcome), `${what} came to "${outcome}", not "${expected}"`);
}

/** Asserts that a call is refused, with a message that fits. */
export async function expectRefusal(
  call: Promise<unknown>,
  message: RegExp,
  expected = "refused",
): Promise<void> {
  const error = await call.then(
    () => assert.fail(`the call was answered, and not refused with ${message}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof StatusError)) throw error;
  assert.match(error.message, message);
  const codes = expected.split("|");
  assert.ok(codes.includes(nameOf(error)), `code ${nameOf(error)}, not ${expected}: ${error.message}`);
}

/** A state by its name. */
export function stateName(status: number): string {
  return (containerd.v1.types.Status[status] ?? String(status)).toLowerCase();
}
