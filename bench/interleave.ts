/** What is to be sampled, in which rounds. */
export interface Rounds<S> {
  readonly subjects: readonly S[];
  readonly count: number;
  /** Rounds before the first that counts: files come into the page cache, and disks to rest. */
  readonly warmUp?: number;
  /** Aborted, it ends the rounds with its reason. */
  readonly signal: AbortSignal;
}

/**
 * Takes one sample of each subject in every round, one after the other, so that what changes on the machine changes
 * for all. Who comes first changes from round to round. Resolves to the samples of each subject, by round.
 */
export async function interleave<S, T>(
  { subjects, count, warmUp = 0, signal }: Rounds<S>,
  sample: (subject: S, round: number) => Promise<T>,
): Promise<Map<S, T[]>> {
  const samples = new Map<S, T[]>(subjects.map((subject) => [subject, []]));
  for (let round = -warmUp; round < count; round++) {
    for (const subject of turned(subjects, round + warmUp)) {
      signal.throwIfAborted();
      const taken = await sample(subject, round);
      if (round >= 0) samples.get(subject)?.push(taken);
    }
  }
  return samples;
}

/** The same list, begun at another place. */
function turned<S>(list: readonly S[], by: number): S[] {
  const start = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}
