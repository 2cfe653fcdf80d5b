import type { Lane, Mark } from "./marks.ts";

/** What lies between two marks of a process. */
export interface Step {
  readonly lane: Lane;
  /** What is true at its end. */
  readonly title: string;
  /** In milliseconds since the start was executed. */
  readonly from: number;
  readonly to: number;
}

/** The run that came to its last mark first: the one that others on the machine have disturbed least. */
export function fastest(runs: readonly (readonly Mark[])[]): readonly Mark[] {
  const end = (run: readonly Mark[]) => Math.max(...run.map(({ at }) => at));
  return [...runs].sort((a, b) => end(a) - end(b))[0] ?? [];
}

/** The steps from each mark of a process to the next. */
export function stepsOf(marks: readonly Mark[]): Step[] {
  return marks.flatMap(({ lane, title, at }, index) => {
    const before = marks[index - 1];
    return before?.lane === lane ? [{ lane, title, from: before.at, to: at }] : [];
  });
}
