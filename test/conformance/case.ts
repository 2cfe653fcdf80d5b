import type { Bench } from "./bench.ts";

/** What a case needs of a shim that not every shim has; whether it claims it, is asked of the shim itself. */
export type Need =
  /** Answers `-info` (containerd 1.7 and later). */
  | "info"
  /** Answers `start` in JSON to a daemon that names a MAX_SHIM_VERSION. */
  | "json"
  /** Takes BootstrapParams and answers a BootstrapResult (containerd 2.3 and later). */
  | "bootstrap"
  /** Serves version 3 of the task service. */
  | "task-v3";

/** One thing that a shim does, or does not. */
export interface ConformanceCase {
  /** A sentence about the shim's behaviour, unique among all cases. */
  readonly name: string;
  readonly needs?: readonly Need[];
  /** Holds the shim to more than the API asks for: that nothing slow ever delays anything else. */
  readonly promise?: boolean;
  /** Why this machine cannot run the case; undefined where it can. */
  whyNot?(): string | undefined;
  /** Rejects where the shim does something else. What is left on the machine afterwards is looked for by the runner. */
  run(bench: Bench): Promise<void>;
}

/** Names every case after its subject, so that one can tell and pick them by it. */
export function about(subject: string, cases: readonly ConformanceCase[]): ConformanceCase[] {
  return cases.map((one) => ({ ...one, name: `${subject}: ${one.name}` }));
}
