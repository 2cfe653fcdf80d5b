import fs from "node:fs";
import path from "node:path";
import { within } from "../../base/deadline.ts";
import type { CgroupDirs } from "../../linux/cgroup/dirs.ts";
import { readV1Stats } from "../../linux/cgroup/v1-stats.ts";
import { readV2Stats } from "../../linux/cgroup/v2-stats.ts";
import { type Exact, encodeExact, type google } from "../../proto/index.ts";
import { io } from "../../proto/metrics.ts";

const V1 = io.containerd.cgroups.v1.Metrics;
const V2 = io.containerd.cgroups.v2.Metrics;

/**
 * The figures of a container, as Stats answers them: `io.containerd.cgroups.v1.Metrics` or that of v2, read from the
 * files of its control groups. The last ones are kept for when the groups are gone.
 */
export class Metrics {
  readonly #cgroup: CgroupDirs;
  readonly #limitMs: number;
  #last: google.protobuf.IAny;
  #reading: Promise<google.protobuf.IAny> | undefined;

  /** @param limitMs how long one reading may take; the kernel can be slow at adding up memory */
  constructor(cgroup: CgroupDirs, limitMs: number) {
    this.#cgroup = cgroup;
    this.#limitMs = limitMs;
    this.#last = cgroup.version === 1 ? v1Metrics({ cpu: { usage: {}, throttling: {} } }) : v2Metrics({});
  }

  /** The figures now, or the last there were. Calls at the same time share one reading; `deadlineExceeded` past the limit. */
  read(): Promise<google.protobuf.IAny> {
    this.#reading ??= this.#take().finally(() => {
      this.#reading = undefined;
    });
    return within(this.#reading, this.#limitMs, `reading ${firstDir(this.#cgroup)}`);
  }

  async #take(): Promise<google.protobuf.IAny> {
    const figures = await readFigures(this.#cgroup);
    // Groups that went meanwhile, or are going, leave files that count nothing.
    if (areThere(this.#cgroup)) this.#last = figures;
    return this.#last;
  }
}

async function readFigures(cgroup: CgroupDirs): Promise<google.protobuf.IAny> {
  if (cgroup.version === 1) return v1Metrics(await readV1Stats(cgroup.controllers));
  return v2Metrics(await readV2Stats(cgroup.unified));
}

function v1Metrics(figures: Exact<io.containerd.cgroups.v1.IMetrics>) {
  return { typeUrl: "io.containerd.cgroups.v1.Metrics", value: encodeExact(V1, figures) };
}

function v2Metrics(figures: Exact<io.containerd.cgroups.v2.IMetrics>) {
  return { typeUrl: "io.containerd.cgroups.v2.Metrics", value: encodeExact(V2, figures) };
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
