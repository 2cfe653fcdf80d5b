import { readFileSync } from "node:fs";
import type { CriScene } from "./cri-scene.ts";
import { haveWritten, writer } from "./dirty-data.ts";
import { type Calls, repeat } from "./repeat.ts";
import type { SlowDisk } from "./slow-disk.ts";

/** What containerd logs where a shim's Delete takes longer than the 10 s that CRI gives it. */
export const GIVEN_UP = "failed to handle container TaskExit event";
/** How much each pod writes, in MiB. */
export const MIB_PER_POD = 8;

/** A pod with one container in it. */
export interface RunningPod {
  readonly id: string;
  readonly container: string;
}

/** What was seen while pods were stopped all at once. */
export interface PodStop {
  /** How much the disk had taken when the last pod was stopped, in bytes. */
  readonly written: number;
  readonly ms: number;
  /** How often containerd has given up an exited container's deletion for the time being. */
  readonly failures: number;
  readonly lists: Calls;
  /** Of a container that goes on. */
  readonly updates: Calls;
  /** Of the containers that are stopped, which may be refused. */
  readonly lateUpdates: Calls;
}

/** Pods whose layers are on a slow disk, each of which has data that is not written yet. */
export class DirtyPods {
  readonly #scene: CriScene;
  readonly #disk: SlowDisk;

  constructor(scene: CriScene, disk: SlowDisk) {
    this.#scene = scene;
    this.#disk = disk;
  }

  /** Runs a pod with a container that is ready to write. */
  async run(handler: string, name: string): Promise<RunningPod> {
    const { cri, containerd } = this.#scene;
    const pod = await cri.runPod(name, handler, `/${this.#disk.cgroup ?? containerd.cgroupParent}`);
    return { id: pod.id, container: await cri.runContainer(pod, "main", writer(MIB_PER_POD)) };
  }

  /** Has the containers write, into the page cache. */
  write(pods: readonly RunningPod[]): Promise<void> {
    return haveWritten(
      this.#scene.containerd,
      pods.map(({ container }) => container),
    );
  }

  /**
   * Stops the pods while others list what runs and change limits, as a kubelet does. CRI locks a container while
   * it asks the shim to update it, and a list has to look at every container.
   */
  async stop(pods: readonly RunningPod[], other: RunningPod): Promise<PodStop> {
    const [disk, { cri }] = [this.#disk, this.#scene];
    const [writtenBefore, failuresBefore, start] = [disk.writtenBytes(), this.#failures(), performance.now()];
    const done = new AbortController();
    const calls = this.#meanwhile(pods, other, done.signal);
    try {
      await Promise.all(pods.map(({ id }) => cri.stopPod(id)));
    } finally {
      done.abort();
    }
    const [written, ms] = [disk.writtenBytes() - writtenBefore, performance.now() - start];
    const failures = this.#failures() - failuresBefore;
    return { written, ms, failures, ...(await calls) };
  }

  /** Removes pods, stopped or not. */
  async remove(pods: readonly RunningPod[]): Promise<void> {
    for (const { id } of pods) {
      await this.#scene.cri.stopPod(id);
      await this.#scene.cri.removePod(id);
    }
  }

  async #meanwhile(
    pods: readonly RunningPod[],
    other: RunningPod,
    signal: AbortSignal,
  ): Promise<Pick<PodStop, "lists" | "updates" | "lateUpdates">> {
    const { cri } = this.#scene;
    const progress = () => this.#disk.writtenBytes();
    const calling = (call: () => Promise<unknown>) => repeat({ call, everyMs: 100, progress, signal });
    let shares = 512;
    const update = ({ container }: RunningPod) => cri.updateCpuShares(container, shares++);
    const [lists, updates, lateUpdates] = await Promise.all([
      calling(() => Promise.all([cri.listContainers(), cri.listPods()])),
      calling(() => update(other)),
      calling(() => Promise.allSettled(pods.map(update))),
    ]);
    return { lists, updates, lateUpdates };
  }

  #failures(): number {
    return readFileSync(this.#scene.containerd.logFile, "utf8").split(GIVEN_UP).length - 1;
  }
}
