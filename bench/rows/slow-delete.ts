import { haveWritten, writer } from "../../lab/dirty-data.ts";
import { whyNoContainerd } from "../../lab/private-containerd.ts";
import { type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { compare, type Figure } from "../comparison.ts";
import { BenchDaemon } from "../daemon.ts";
import type { BenchLab } from "../lab.ts";
import type { Row } from "../result.ts";
import { inRounds } from "../rounds.ts";
import type { Shim } from "../shims.ts";
import { throttled, withSlowDisk } from "../throttled.ts";

const MIB = 1 << 20;
const DIRTY_MIB = 24;
const LIMIT_MIB = 4;

/** One deletion; times in milliseconds. */
interface Deletion {
  readonly delete: number;
  readonly list: number;
  /** The list did not know what the task was doing. */
  readonly unknown: boolean;
}

const FIGURES = [
  { key: "idle", title: "Delete, idle disk", unit: "ms" },
  { key: "slow", title: `Delete, disk of ${LIMIT_MIB} MiB/s`, unit: "ms" },
  { key: "idleList", title: "a list of tasks meanwhile, idle disk", unit: "ms" },
  { key: "slowList", title: `a list of tasks meanwhile, disk of ${LIMIT_MIB} MiB/s`, unit: "ms" },
] as const satisfies readonly Figure[];

/** What says enough without a comparison. */
const ALONE = [
  { key: "slowdown", title: "Delete takes on the slow disk", unit: "times as long" },
  { key: "unknown", title: "lists that show the task as UNKNOWN", unit: "%" },
] as const satisfies readonly Figure[];

type Sample = Readonly<Record<(typeof FIGURES | typeof ALONE)[number]["key"], number>>;

/** What a slow disk costs who deletes a container, and who asks for others meanwhile. */
export const slowDelete: Row = {
  name: "slow-delete",
  whyNot: () => whyNoContainerd() ?? whyNoSlowDisk(),
  run: (lab) =>
    withSlowDisk(lab, (disk) =>
      // Only the layers: containerd's own files would wait for the disk whatever a shim does.
      BenchDaemon.with(lab, (daemon) => new SlowDelete(lab, disk, daemon).run(), `${disk.mountPoint}/layers`),
    ),
};

class SlowDelete {
  readonly #lab: BenchLab;
  readonly #disk: SlowDisk;
  readonly #daemon: BenchDaemon;

  constructor(lab: BenchLab, disk: SlowDisk, daemon: BenchDaemon) {
    this.#lab = lab;
    this.#disk = disk;
    this.#daemon = daemon;
  }

  async run() {
    const rounds = { name: "slow-delete", subjects: this.#daemon.shims, usual: 5, warmUp: 1 };
    const samples = await inRounds(this.#lab, rounds, (shim) => this.#sample(shim));
    return {
      title: "A container is deleted that has written much",
      how: `Delete of a stopped container with ${DIRTY_MIB} MiB in its layer that are in the page cache only, through containerd's API, and a list of tasks, of this one and another that runs, once the disk has begun to be written.`,
      tables: [...compare(FIGURES, samples, this.#lab.reference), ...compare(ALONE, samples, undefined)],
    };
  }

  async #sample(shim: Shim): Promise<Sample> {
    // It is in every list, and answers for itself.
    const neighbour = this.#lab.newId();
    await this.#daemon.run({ shim, id: neighbour, args: ["sleep", "1000"] });
    const idle = await this.#writeAndDelete(shim, undefined);
    const slow = await this.#writeAndDelete(shim, LIMIT_MIB * MIB);
    await this.#daemon.remove(neighbour);
    return {
      idle: idle.delete,
      slow: slow.delete,
      slowdown: slow.delete / idle.delete,
      idleList: idle.list,
      slowList: slow.list,
      unknown: slow.unknown ? 100 : 0,
    };
  }

  async #writeAndDelete(shim: Shim, limit: number | undefined): Promise<Deletion> {
    const { client, containerd } = this.#daemon;
    const [id, before] = [this.#lab.newId(), this.#disk.writtenBytes()];
    await this.#daemon.run({ shim, id, args: writer(DIRTY_MIB), cgroup: this.#disk.cgroup });
    const deletion = await throttled(this.#disk, limit, async () => {
      await haveWritten(containerd, [id]);
      await this.#daemon.kill(id);
      return await this.#delete(id);
    });
    // The next one finds a disk that is at rest.
    const all = before + DIRTY_MIB * MIB;
    await until("the data to be written", () => (this.#disk.writtenBytes() >= all ? true : undefined));
    await client.deleteContainer(id);
    return deletion;
  }

  async #delete(id: string): Promise<Deletion> {
    const { client } = this.#daemon;
    const [before, begun] = [this.#disk.writtenBytes(), performance.now()];
    let answered = false;
    const deletion = client.delete(id).then(() => {
      answered = true;
      return performance.now() - begun;
    });
    const list = async () => {
      const syncs = () => (answered || this.#disk.writtenBytes() > before ? true : undefined);
      await until("the disk to be written", syncs);
      const asked = performance.now();
      const tasks = await client.listTasks();
      const unknown = tasks.some((task) => task.id === id && task.status === "UNKNOWN");
      return { list: performance.now() - asked, unknown };
    };
    const [took, seen] = await Promise.all([deletion, list()]);
    return { delete: took, ...seen };
  }
}
