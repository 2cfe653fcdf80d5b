import type { RowResult, Subject } from "../../bench/result.ts";

const machine = {
  kernel: "Linux 6.1",
  system: "Debian",
  cpus: 2,
  cpu: "some",
  memoryGb: 8,
  cgroup: "v2",
  runc: "1.1.5",
  containerd: "1.6.20",
} as const;

/** A row's result with one figure; what the test is not about is as good as any. */
export function resultOf(
  name: string,
  subjects: readonly Subject[],
  better: "less" | "more" = "less",
): RowResult {
  const tables = [{ title: `figure of ${name}`, unit: "ms", better, subjects }];
  return { name, title: `row ${name}`, how: `How ${name}.`, at: "2026-01-02", machine, tables };
}

/** A row's result in which ours takes so many times as much as the Go shim. */
export function ratioResult(name: string, ratio: number, better: "less" | "more" = "less"): RowResult {
  const ours = { label: "containerd-shim-ebb-v2 0.1.0", median: 10 * ratio, p99: 20 * ratio, ratio, n: 3 };
  return resultOf(name, [ours, { label: "containerd-shim-runc-v2 1.6.20", median: 10, n: 3 }], better);
}
