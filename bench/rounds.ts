import { interleave } from "./interleave.ts";
import type { BenchLab } from "./lab.ts";

/** What a row samples in rounds. */
interface Sampling<S> {
  /** What of, as the progress says. */
  readonly name: string;
  readonly subjects: readonly S[];
  /** The row's usual number of rounds. */
  readonly usual: number;
  /** As of {@link interleave}. */
  readonly warmUp?: number;
}

/** {@link interleave} in a lab, which shows how far it is. */
export function inRounds<S extends { readonly label: string }, T>(
  lab: Pick<BenchLab, "rounds" | "signal" | "progress">,
  { name, subjects, usual, warmUp = 0 }: Sampling<S>,
  sample: (subject: S, round: number) => Promise<T>,
): Promise<Map<S, T[]>> {
  const count = lab.rounds(usual);
  return interleave({ subjects, count, warmUp, signal: lab.signal }, (subject, round) => {
    lab.progress(`${name}: round ${round + 1} of ${count}, ${subject.label}`);
    return sample(subject, round);
  });
}
