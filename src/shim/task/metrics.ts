import fs from "node:fs";
import path from "node:path";
import { within } from "../../base/deadline.ts";
import type { CgroupDirs } from "../../linux/cgroup/dirs.ts";
import { readV1Stats } from "../../linux/cgroup/v1-stats.ts";
import { readV2Stats } from "../../linux/cgroup/v2-stats.ts";
import { type Exact, encodeExact, type google } from "../../proto/index.ts";
import type { io } from "../../proto/metrics.ts";

/**
 * The figures of a container, as Stats answers them: `io.containerd.cgroups.v1.Metrics` or that of v2, read from the
 * files of its control groups. The last ones are kept for when the groups are gone.
 */
export class Metrics {
  readonly #cgroup: CgroupDirs;
  readonly #limitMs: number;
  #last: Figures;
  #reading: Promise<Figures> | undefined;

  /** @param limitMs how long one reading may take; the kernel can be slow at adding up memory */
  constructor(cgroup: CgroupDirs, limitMs: number) {
    this.#cgroup = cgroup;
    this.#limitMs = limitMs;
    this.#last = cgroup.version === 1 ? { v1: { cpu: { usage: {}, throttling: {} } } } : { v2: {} };
  }

  /** The figures now, or the last there were. Calls at the same time share one reading; `deadlineExceeded` past the limit. */
  async read(): Promise<google.protobuf.IAny> {
    return encode(await this.#within());
  }

  /**
   * The container has ended: keeps its figures where its groups may go before Delete. systemd removes a scope that is
   * empty; all others stay until the container's deletion.
   */
  async ended(): Promise<void> {
    if (firstDir(this.#cgroup).endsWith(".scope")) await this.#within();
  }

  #within(): Promise<Figures> {
    this.#reading ??= this.#take().finally(() => {
      this.#reading = undefined;
    });
    return within(this.#reading, this.#limitMs, `reading ${firstDir(this.#cgroup)}`);
  }

  async #take(): Promise<Figures> {
    const figures = await readFigures(this.#cgroup);
    // Groups that went meanwhile, or are going, leave files that count nothing.
    if (areThere(this.#cgroup)) this.#last = figures;
    return this.#last;
  }
}

type Figures =
  | { readonly v1: Exact<io.containerd.cgroups.v1.IMetrics> }
  | { readonly v2: Exact<io.containerd.cgroups.v2.IMetrics> };

async function readFigures(cgroup: CgroupDirs): Promise<Figures> {
  if (cgroup.version === 1) return { v1: await readV1Stats(cgroup.controllers) };
  return { v2: await readV2Stats(cgroup.unified) };
}

/** The classes are loaded when figures are first asked for: they are half of all generated code. */
async function encode(figures: Figures): Promise<google.protobuf.IAny> {
  const { v1, v2 } = (await import("../../proto/metrics.ts")).io.containerd.cgroups;
  if ("v1" in figures) {
    return { typeUrl: "io.containerd.cgroups.v1.Metrics", value: encodeExact(v1.Metrics, figures.v1) };
  }
  return { typeUrl: "io.containerd.cgroups.v2.Metrics", value: encodeExact(v2.Metrics, figures.v2) };
}

function areThere(cgroup: CgroupDirs): boolean {
  return allDirs(cgroup).every((dir) => fs.existsSync(path.join(dir, "cgroup.procs")));
}

function allDirs(cgroup: CgroupDirs): string[] {
  return cgroup.version === 1 ? Object.values(cgroup.controllers) : [cgroup.unified];
}

function firstDir(cgroup: CgroupDirs): string {
  return allDirs(cgroup)[0] ?? "no control group";
}
