import { cgroupPids, processesDir } from "../../linux/cgroup/cgroup.ts";
import { type CgroupDirs, cgroupDirsOf } from "../../linux/cgroup/dirs.ts";
import type { google } from "../../proto/index.ts";
import type { Host } from "./host.ts";
import { killRest, thawIfThere } from "./kill-rest.ts";
import { Metrics } from "./metrics.ts";
import type { OomWatch } from "./oom.ts";

/** The control groups of one container, from the moment that its init is there. */
export class ContainerCgroup {
  readonly #dirs: CgroupDirs;
  readonly #metrics: Metrics;
  readonly #oom: OomWatch;

  private constructor(dirs: CgroupDirs, metrics: Metrics, oom: OomWatch) {
    this.#dirs = dirs;
    this.#metrics = metrics;
    this.#oom = oom;
  }

  /** Undefined where the init is in no groups of its own, or gone already. */
  static open(host: Host, initPid: number, onOom: () => void): ContainerCgroup | undefined {
    const dirs = cgroupDirsOf(initPid);
    if (dirs === undefined) return undefined;
    return new ContainerCgroup(dirs, new Metrics(dirs, host.settings.statsMs), host.oom.watch(dirs, onOom));
  }

  /** The pids of all its processes, ascending; none when it is gone. */
  pids(): number[] {
    const dir = processesDir(this.#dirs);
    return dir === undefined ? [] : cgroupPids(dir);
  }

  /** The figures that Stats answers with ({@link Metrics.read}). */
  metrics(): Promise<google.protobuf.IAny> {
    return this.#metrics.read();
  }

  /** One of its processes has ended: tells now, before that exit is told, if it was out of memory. */
  lookForOom(): void {
    this.#oom.look();
  }

  /** Kills every process ({@link killRest}). */
  kill(limitMs: number): Promise<void> {
    return killRest(this.#dirs, limitMs);
  }

  /** Lets its processes go on where they are frozen, whoever did that. */
  thaw(): void {
    thawIfThere(this.#dirs);
  }

  /** The container has ended: its last figures are kept where its groups may go ({@link Metrics.ended}). */
  ended(): void {
    this.#metrics.ended().catch(() => {});
  }

  /** Stops watching; repeatable. */
  close(): void {
    this.#oom.close();
  }
}
