import { StatusCode, StatusError } from "./status.ts";

/** A signal that ends by itself after a time, and what drops its timer and listeners. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Clears the timer and the listeners on the parents. Whoever made the deadline calls it, in a `finally`. */
  readonly cleanup: () => void;
}

/** The longest time a timer of this runtime holds (2³¹−1 ms, about 24.8 days); a longer one would fire at once. */
export const MAX_TIMER_MS = 2_147_483_647;

/**
 * A signal that aborts after `ms` milliseconds with a `deadlineExceeded` StatusError, or earlier with the reason of the
 * first parent that does. `Infinity` sets no timer. `what` names the wait in the error's message.
 */
export function deadline(ms: number, what: string, ...parents: (AbortSignal | undefined)[]): Deadline {
  const controller = new AbortController();
  const onParent = () => controller.abort(parents.find((parent) => parent?.aborted)?.reason);
  if (parents.some((parent) => parent?.aborted)) onParent();
  for (const parent of parents) if (parent !== undefined) listen(parent, onParent);
  const expire = () =>
    controller.abort(new StatusError(StatusCode.deadlineExceeded, `${what} took longer than ${ms} ms`));
  const timer = ms === Infinity ? undefined : setTimeout(expire, Math.max(0, Math.min(ms, MAX_TIMER_MS)));
  return {
    signal: controller.signal,
    cleanup: () => {
      clearTimeout(timer);
      for (const parent of parents) parent?.removeEventListener("abort", onParent);
    },
  };
}

/**
 * Waits for `promise`, but no longer than the signal: rejects with the signal's reason when that comes first.
 * The promise itself goes on; a later rejection of it is not reported as unhandled.
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => {});
  signal.throwIfAborted();
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    listen(signal, onAbort);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * As many wait by one signal as there are things to be done at once; Node would warn of a leak from eleven on. Bun does
 * not, and would take 0.4 ms to load the module.
 */
function listen(signal: AbortSignal, onAbort: () => void): void {
  if (!("Bun" in globalThis)) process.getBuiltinModule("node:events").setMaxListeners(0, signal);
  signal.addEventListener("abort", onAbort, { once: true });
}

/**
 * Waits for `promise` at most `ms` milliseconds; past that, rejects with `deadlineExceeded`, naming `what`, and where
 * the parent aborts before with its reason.
 */
export async function within<T>(
  promise: Promise<T>,
  ms: number,
  what: string,
  parent?: AbortSignal,
): Promise<T> {
  const { signal, cleanup } = deadline(ms, what, parent);
  try {
    return await abortable(promise, signal);
  } finally {
    cleanup();
  }
}

/** Resolves after `ms` milliseconds; rejects with the signal's reason when that aborts first. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const elapsed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(ms, MAX_TIMER_MS));
  });
  try {
    await (signal === undefined ? elapsed : abortable(elapsed, signal));
  } finally {
    clearTimeout(timer);
  }
}
