import type { ResultTable, Subject } from "./result.ts";
import { median, p99, ratio } from "./statistics.ts";

/** A figure that every sample has, and how it is told. */
export interface Figure<K extends string = string> {
  readonly key: K;
  readonly title: string;
  readonly unit: string;
  readonly better?: "more";
  /** Its slowest of a hundred is told as well. */
  readonly p99?: boolean;
}

/** Something that was sampled. */
interface Labelled {
  readonly label: string;
}

/** A table for each figure of what {@link interleave} has sampled. */
export function compare<S extends Labelled, K extends string>(
  figures: readonly Figure<K>[],
  samples: ReadonlyMap<S, readonly Readonly<Record<K, number>>[]>,
  reference: S | undefined,
): ResultTable[] {
  return figures.map((figure) => {
    const { key, title, unit, better = "less" } = figure;
    const of = (subject: S) => (samples.get(subject) ?? []).map((sample) => sample[key]);
    const subjects = [...samples.keys()].map((subject) => {
      const base = reference === undefined || subject === reference ? [] : of(reference);
      return summary(subject, figure, of(subject), base);
    });
    return { title, unit, better, subjects };
  });
}

function summary(
  { label }: Labelled,
  figure: Figure,
  values: readonly number[],
  base: readonly number[],
): Subject {
  return {
    label,
    median: rounded(median(values)),
    ...(figure.p99 === true && { p99: rounded(p99(values)) }),
    ...multiple(values, base),
    n: values.length,
  };
}

/** As many digits as a measurement has. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** None of what took nothing. */
function multiple(values: readonly number[], base: readonly number[]): Pick<Subject, "ratio"> {
  const found = ratio(values, base);
  return Number.isFinite(found) ? { ratio: rounded(found) } : {};
}
