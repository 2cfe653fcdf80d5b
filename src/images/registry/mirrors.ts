import { StatusCode, StatusError } from "../../base/status.ts";

/** What is wrong here and not with the server: a full disk, say. Another server does not help. */
const OURS: readonly StatusCode[] = [
  StatusCode.cancelled,
  StatusCode.deadlineExceeded,
  StatusCode.resourceExhausted,
  StatusCode.internal,
];

/**
 * Asks one server after the other until one gives what is wanted; an error says what each has said, and has the code
 * of the last one, which is the registry itself.
 */
export async function firstOf<E, T>(
  endpoints: readonly E[],
  signal: AbortSignal,
  ask: (endpoint: E) => Promise<T>,
): Promise<T> {
  const failures: StatusError[] = [];
  for (const endpoint of endpoints) {
    try {
      return await ask(endpoint);
    } catch (thrown) {
      signal.throwIfAborted();
      const failure = StatusError.from(thrown);
      if (OURS.includes(failure.code)) throw failure;
      failures.push(failure);
    }
  }
  const last = failures.at(-1);
  if (last !== undefined && failures.length === 1) throw last;
  const told = [...new Set(failures.map(({ message }) => message))].join("; ");
  throw new StatusError(last?.code ?? StatusCode.invalidArgument, told, { cause: last });
}
