import type { BenchLab } from "./lab.ts";

/** What is measured of one shim, or of whatever else stands beside it. */
export interface Subject {
  /** Name and version. */
  readonly label: string;
  readonly median: number;
  readonly p99?: number;
  /** To the Go shim in PATH, which itself has none: the median of what the rounds say, each of which has measured both. */
  readonly ratio?: number;
  /** How many samples. */
  readonly n: number;
}

/** One figure of a row, of every subject. */
export interface ResultTable {
  readonly title: string;
  readonly unit: string;
  readonly better: "less" | "more";
  readonly subjects: readonly Subject[];
}

/** What one row found. */
export interface Found {
  readonly title: string;
  /** What was done, in a sentence for the reader. */
  readonly how: string;
  readonly tables: readonly ResultTable[];
}

/** The same as it is written to docs/performance.json: every table and the plot derive from it. */
export interface RowResult extends Found {
  /** In kebab-case: its name on the command line, and of its markers in docs/performance.md. */
  readonly name: string;
  /** The day, such as `2026-11-26`. */
  readonly at: string;
  readonly machine: Machine;
}

/** What it was measured on. */
export interface Machine {
  readonly kernel: string;
  readonly system: string;
  readonly cpus: number;
  readonly cpu: string;
  readonly memoryGb: number;
  readonly cgroup: "v1" | "v2";
  readonly runc: string;
  readonly containerd: string;
}

/** Something that is measured. */
export interface Row {
  readonly name: string;
  /** Why this machine cannot; undefined where it can. */
  whyNot?(lab: BenchLab): string | undefined;
  /** Measures. Once the lab's signal is aborted it rejects soon. */
  run(lab: BenchLab): Promise<Found>;
}
