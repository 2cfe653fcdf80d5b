/** A call under way, and whether it has been answered. */
export interface Watched<T> {
  readonly answer: Promise<T>;
  isAnswered(): boolean;
}

/** Watches a call, which may also fail before anybody waits for its answer. */
export function watched<T>(call: Promise<T>): Watched<T> {
  let answered = false;
  const answer = call.finally(() => {
    answered = true;
  });
  answer.catch(() => {});
  return { answer, isAnswered: () => answered };
}
