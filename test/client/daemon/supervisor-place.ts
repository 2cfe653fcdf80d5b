import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { after } from "node:test";
import { until } from "../../../lab/until.ts";
import type { ContainerConfig } from "../../../src/client/daemon/container-config.ts";
import { Supervisor, type SupervisorOptions } from "../../../src/client/daemon/supervisor.ts";
import type { Place } from "../support.ts";

/** A place for supervisors, one after the other, with what their containers are made of. */
export interface SupervisorPlace {
  readonly options: SupervisorOptions;
  open(more?: Partial<SupervisorOptions>): Promise<Supervisor>;
  config(id: string, args: readonly string[], more?: Partial<ContainerConfig>): ContainerConfig;
  /** What is left of these containers once all that is removed later has gone. */
  leftovers(ids: readonly string[]): Promise<string[]>;
}

/** Makes one in a place for containers. Each supervisor is closed after the file's tests where it is not before. */
export function supervisorPlace(
  place: Pick<Place, "stateDir" | "namespace" | "rootfs" | "leftovers">,
  runtime: string,
): SupervisorPlace {
  const { stateDir, namespace, rootfs } = place;
  const imagesDir = `${stateDir}-images`;
  let time = Date.now();
  const nextTime = () => {
    time += 1;
    return new Date(time).toISOString();
  };
  const options: SupervisorOptions = {
    stateDir,
    imagesDir,
    namespace,
    limits: { backOff: { firstMs: 10, maxMs: 200 } },
  };
  return {
    options,
    open: async (more = {}) => {
      const supervisor = await Supervisor.open({ ...options, ...more });
      after(() => supervisor.close());
      return supervisor;
    },
    config: (id, args, more = {}) => ({
      ...{ id, createdAt: nextTime(), runtime, lowerDirs: [rootfs], readOnly: false },
      ...{ args: [...args], env: [], cwd: "/", terminal: false, mounts: [], network: "none" },
      ...{ autoRemove: false, logged: true },
      ...more,
    }),
    leftovers: async (ids) => {
      const names = (dir: string) => (existsSync(dir) ? readdirSync(dir) : []);
      const isOne = (layer: string) => ids.some((id) => layer.startsWith(`${id}.`));
      await until("what was removed to go", () =>
        names(path.join(imagesDir, "containers")).some(isOne) ? undefined : true,
      );
      const kept = names(path.join(stateDir, "containers")).filter((id) => ids.includes(id));
      const own = ["events", "bundles", "containers"].map((name) => path.join(stateDir, name));
      const left = await place.leftovers(ids, own);
      return [...left, ...kept.map((id) => `record ${id}`)];
    },
  };
}
