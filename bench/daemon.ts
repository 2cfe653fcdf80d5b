import { mkdtempSync } from "node:fs";
import path from "node:path";
import { ContainerdClient, type Mount } from "../lab/containerd-client.ts";
import { writeBusyboxImage } from "../lab/image.ts";
import { importImages, topLayer } from "../lab/import-images.ts";
import { type PrivateContainerd, startPrivateContainerd } from "../lab/private-containerd.ts";
import { defaultSpec } from "../src/client/spec.ts";
import type { BenchLab } from "./lab.ts";
import { ShimLinks } from "./shim-links.ts";
import type { Shim } from "./shims.ts";
import { usable } from "./usable.ts";

const SIGKILL = 9;

/** A container to be. */
export interface DaemonPlan {
  readonly shim: Shim;
  readonly id: string;
  readonly args: readonly string[];
  /** The parent of its control group; the daemon's own if not given. */
  readonly cgroup?: string | undefined;
}

/** A containerd with an image, in which every shim of the lab is a runtime. */
export class BenchDaemon {
  readonly containerd: PrivateContainerd;
  readonly client: ContainerdClient;
  readonly links: ShimLinks;
  /** Those of the lab's shims that it can use. */
  shims: readonly Shim[] = [];
  readonly #parent: string;

  private constructor(containerd: PrivateContainerd, links: ShimLinks, parent: string) {
    this.containerd = containerd;
    this.client = new ContainerdClient(containerd.address, containerd.namespace);
    this.links = links;
    this.#parent = parent;
  }

  /** Works with one whose layers are at `snapshots`, if that is given, and leaves nothing of it. */
  static async with<T>(
    lab: BenchLab,
    work: (daemon: BenchDaemon) => Promise<T>,
    snapshots?: string,
  ): Promise<T> {
    const links = new ShimLinks(lab);
    const places = snapshots === undefined ? {} : { snapshots };
    const containerd = await startPrivateContainerd({
      ...places,
      shimDirs: [links.directory],
      logLevel: "info",
      env: lab.env,
      state: mkdtempSync(path.join(lab.run, "containerd-")),
    });
    try {
      await importImages(containerd, [writeBusyboxImage]);
      const daemon = new BenchDaemon(containerd, links, await topLayer(containerd));
      return await daemon
        .#try(lab)
        .then(() => work(daemon))
        .finally(() => daemon.client.close());
    } finally {
      await containerd.dispose();
    }
  }

  async #try(lab: BenchLab): Promise<void> {
    this.shims = await usable(lab.shims, async (shim) => {
      const id = lab.newId();
      await this.run({ shim, id, args: ["sleep", "1000"] });
      await this.remove(id);
    });
  }

  /** Tells containerd of a container, and makes its layer; returns how that is mounted. */
  prepare({ shim, id, args, cgroup = this.containerd.cgroupParent }: DaemonPlan): Promise<readonly Mount[]> {
    const cgroupsPath = `/${cgroup}/${id}`;
    const spec = defaultSpec({ namespace: this.containerd.namespace, id, args, cgroupsPath });
    return this.client.createContainer({ id, runtime: this.links.runtimeOf(shim), spec }, this.#parent);
  }

  /** Runs a container. */
  async run(plan: DaemonPlan): Promise<void> {
    await this.client.create(plan.id, await this.prepare(plan));
    await this.client.start(plan.id);
  }

  /** Kills a container and waits for its end. */
  async kill(id: string): Promise<void> {
    await Promise.all([this.client.wait(id), this.client.kill(id, SIGKILL)]);
  }

  /** Kills a container, and removes all that there is of it. */
  async remove(id: string): Promise<void> {
    await this.kill(id);
    await this.client.delete(id);
    await this.client.deleteContainer(id);
  }
}
