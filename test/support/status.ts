import { type StatusCode, StatusError } from "../../src/base/status.ts";

/** For assert.throws and assert.rejects: a StatusError with this code whose message fits. */
export function status(code: StatusCode, message: RegExp): (thrown: unknown) => boolean {
  return (thrown) => {
    if (thrown instanceof StatusError && thrown.code === code && message.test(thrown.message)) return true;
    throw new Error(`expected code ${code} and ${message}`, { cause: thrown });
  };
}
