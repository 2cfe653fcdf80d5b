/**
 * Does several things at once. The first that fails has the others aborted, and it is what the whole fails with once
 * all have ended.
 */
export async function together(
  tasks: readonly ((signal: AbortSignal) => Promise<void>)[],
  signal: AbortSignal,
): Promise<void> {
  const aborter = new AbortController();
  const abort = () => aborter.abort(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener("abort", abort, { once: true });
  let failure: { readonly thrown: unknown } | undefined;
  const end = (thrown: unknown) => {
    failure ??= { thrown };
    aborter.abort(thrown);
  };
  try {
    await Promise.all(tasks.map((task) => task(aborter.signal).catch(end)));
  } finally {
    signal.removeEventListener("abort", abort);
  }
  if (failure !== undefined) throw failure.thrown;
}
