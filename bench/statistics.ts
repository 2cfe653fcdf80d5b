/** The value in the middle; between the two in the middle where there are as many above as below. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

/** The smallest value that 99 of 100 do not exceed (nearest rank). NaN of none. */
export function p99(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(0.99 * sorted.length) - 1] ?? Number.NaN;
}

/**
 * How many times as much as the reference: the median of what each round says, so that a minute in which the whole
 * machine was slow changes it less than it changes either median. NaN where no round has both.
 */
export function ratio(values: readonly number[], reference: readonly number[]): number {
  return median(values.slice(0, reference.length).map((value, round) => value / (reference[round] ?? 1)));
}
