import path from "node:path";
import { criRuntime, runcRuntime } from "../../lab/containerd-config.ts";
import { type CriScene, startCri } from "../../lab/cri-scene.ts";
import { DirtyPods, MIB_PER_POD, type PodStop, type RunningPod } from "../../lab/dirty-pods.ts";
import { whyNoContainerd } from "../../lab/private-containerd.ts";
import { type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { compare, type Figure } from "../comparison.ts";
import type { BenchLab } from "../lab.ts";
import type { Found, Row } from "../result.ts";
import { inRounds } from "../rounds.ts";
import { ShimLinks } from "../shim-links.ts";
import type { Shim } from "../shims.ts";
import { median } from "../statistics.ts";
import { throttled, withSlowDisk } from "../throttled.ts";
import { usable } from "../usable.ts";

const MIB = 1 << 20;
const PODS = 10;
const LIMIT_MIB = 4;

const SLOW = `disk of ${LIMIT_MIB} MiB/s`;
const FIGURES = [
  { key: "idle", title: "all are stopped, idle disk", unit: "s" },
  { key: "slow", title: `all are stopped, ${SLOW}`, unit: "s" },
  { key: "idleList", title: "a list meanwhile, idle disk", unit: "ms" },
  { key: "slowList", title: `a list meanwhile, ${SLOW}`, unit: "ms" },
  { key: "idleLongest", title: "the longest list, idle disk", unit: "ms" },
  { key: "slowLongest", title: `the longest list, ${SLOW}`, unit: "ms" },
] as const satisfies readonly Figure[];

/** What says enough without a comparison. */
const ALONE = [
  { key: "slowdown", title: "stopping takes on the slow disk", unit: "times as long" },
] as const satisfies readonly Figure[];

type Sample = Readonly<Record<(typeof FIGURES | typeof ALONE)[number]["key"], number>>;

/** What a slow disk costs a kubelet that stops many pods at once. */
export const criPods: Row = {
  name: "cri-pods",
  whyNot: () => whyNoContainerd() ?? whyNoSlowDisk(),
  run: (lab) => withSlowDisk(lab, (disk) => withCri(lab, disk)),
};

async function withCri(lab: BenchLab, disk: SlowDisk): Promise<Found> {
  const links = new ShimLinks(lab);
  const runtimes = lab.shims.map((shim) => criRuntime(links.handlerOf(shim), links.runtimeOf(shim)));
  const scene = await startCri({
    shimDirs: [links.directory],
    criRuntimes: [runcRuntime(), ...runtimes].join("\n"),
    snapshots: path.join(disk.mountPoint, "layers"),
    logLevel: "info",
  });
  return await new CriPods(lab, { disk, scene, links }).run().finally(() => scene.dispose());
}

interface Parts {
  readonly disk: SlowDisk;
  readonly scene: CriScene;
  readonly links: ShimLinks;
}

class CriPods {
  readonly #lab: BenchLab;
  readonly #parts: Parts;
  readonly #pods: DirtyPods;

  constructor(lab: BenchLab, parts: Parts) {
    this.#lab = lab;
    this.#parts = parts;
    this.#pods = new DirtyPods(parts.scene, parts.disk);
  }

  async run(): Promise<Found> {
    const subjects = await usable(this.#lab.shims, async (shim) => {
      await this.#pods.remove([await this.#runPod(shim)]);
    });
    const rounds = { name: "cri-pods", subjects, usual: 3 };
    const samples = await inRounds(this.#lab, rounds, (shim) => this.#sample(shim));
    return {
      title: "Many pods are stopped at once",
      how: `${PODS} pods are stopped at once through CRI, each with ${MIB_PER_POD} MiB that are in the page cache only. Meanwhile somebody lists containers and pods, waits 100 ms and lists them again, and two others change processor shares of another container and of those that are stopped. A list is the median of those that ended meanwhile: where stopping takes 20 s most of them are from times in which nothing moves.`,
      tables: [...compare(FIGURES, samples, this.#lab.reference), ...compare(ALONE, samples, undefined)],
    };
  }

  async #sample(shim: Shim): Promise<Sample> {
    const idle = await this.#writeAndStop(shim, undefined);
    const slow = await this.#writeAndStop(shim, LIMIT_MIB * MIB);
    return {
      idle: idle.ms / 1_000,
      slow: slow.ms / 1_000,
      slowdown: slow.ms / idle.ms,
      idleList: median(idle.lists.times),
      slowList: median(slow.lists.times),
      idleLongest: Math.max(...idle.lists.times),
      slowLongest: Math.max(...slow.lists.times),
    };
  }

  /** Runs the pods, has them write, stops them, and removes them when their data is on the disk. */
  async #writeAndStop(shim: Shim, limit: number | undefined): Promise<PodStop> {
    const { disk } = this.#parts;
    const other = await this.#runPod(shim);
    const pods: RunningPod[] = [];
    while (pods.length < PODS) pods.push(await this.#runPod(shim));
    const all = disk.writtenBytes() + PODS * MIB_PER_POD * MIB;
    const stop = await throttled(disk, limit, async () => {
      await this.#pods.write(pods);
      return await this.#pods.stop(pods, other);
    });
    await until("the data to be written", () => (disk.writtenBytes() >= all ? true : undefined));
    await this.#pods.remove([other, ...pods]);
    return stop;
  }

  #runPod(shim: Shim): Promise<RunningPod> {
    this.#lab.signal.throwIfAborted();
    return this.#pods.run(this.#parts.links.handlerOf(shim), this.#lab.newId());
  }
}
