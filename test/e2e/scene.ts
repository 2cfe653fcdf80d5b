import assert from "node:assert/strict";
import { BUSYBOX_IMAGE, writeBusyboxImage } from "../../lab/image.ts";
import { importImages } from "../../lab/import-images.ts";
import { processes, settledLeftovers, snapshotLeftovers } from "../../lab/leftovers.ts";
import {
  type PrivateContainerd,
  type PrivateContainerdOptions,
  startPrivateContainerd,
} from "../../lab/private-containerd.ts";
import { until } from "../../lab/until.ts";
import { type EventWatch, watchEvents } from "./event-watch.ts";
import { type Runtime, SHIM_DIR } from "./runtimes.ts";

export { bundlePath } from "../../lab/private-containerd.ts";

/** A containerd with the image, and a watch on its events. */
export interface Scene {
  readonly containerd: PrivateContainerd;
  events: EventWatch;
  dispose(): Promise<void>;
}

/** Starts a containerd that knows both shims, and imports the image. */
export async function startScene(options: PrivateContainerdOptions = {}): Promise<Scene> {
  const containerd = await startPrivateContainerd({ shimDirs: [SHIM_DIR], ...options });
  await importImages(containerd, [writeBusyboxImage]);
  const scene: Scene = {
    containerd,
    events: await watchEvents(containerd),
    dispose: async () => {
      await scene.events.stop();
      await containerd.dispose();
    },
  };
  return scene;
}

/** Starts containerd again (see {@link PrivateContainerd.restart}), and a new watch on its events. */
export async function restartDaemon(scene: Scene, options: { readonly deaf?: boolean } = {}): Promise<void> {
  await scene.events.stop();
  await scene.containerd.restart(options);
  scene.events = await watchEvents(scene.containerd);
}

/** The arguments of `ctr` that run a container. */
export function runArgs(runtime: Runtime, flags: readonly string[], id: string, ...args: string[]): string[] {
  return ["run", ...flags, "--runtime", runtime.name, BUSYBOX_IMAGE, id, ...args];
}

/** How `ctr task ps` shows the name of a process that was added: in the words of 1.6, or as it is sent. */
export const EXEC_ID = /(?:ExecID:|exec_id:")([\w.-]+)/;

/** What `ctr task ls` shows for a container, or undefined where it is not in the list. */
export async function listedState(containerd: PrivateContainerd, id: string): Promise<string | undefined> {
  return stateIn(await containerd.mustCtr(["task", "ls"]), id);
}

/** The state of a container in the output of `ctr task ls`. */
export function stateIn(list: string, id: string): string | undefined {
  const row = list.split("\n").find((line) => line.split(/\s+/)[0] === id);
  return row?.split(/\s+/)[2];
}

/** Waits until a container is listed in a state. */
export function waitForState(containerd: PrivateContainerd, id: string, state: string): Promise<true> {
  return until(`${id} to be ${state}`, async () =>
    (await listedState(containerd, id)) === state ? true : undefined,
  );
}

/** Kills a container's first process and waits until it is stopped. */
export async function killContainer(containerd: PrivateContainerd, id: string): Promise<void> {
  await containerd.mustCtr(["task", "kill", "-s", "KILL", id]);
  await waitForState(containerd, id, "STOPPED");
}

/** A container to run around a test's body. */
export interface Around {
  readonly runtime: Runtime;
  readonly id: string;
  readonly flags?: readonly string[];
  /** Its program; one that does nothing where it is missing. */
  readonly args?: readonly string[];
}

/** Runs containers around a body, ends and removes them after that, and asserts that nothing is left of them. */
export async function withContainers(
  { containerd }: Scene,
  containers: readonly Around[],
  body: () => Promise<void>,
): Promise<void> {
  const scope = containerd.scope(containers.map(({ id }) => id));
  const clean = snapshotLeftovers(scope);
  for (const { runtime, id, flags = [], args = ["sleep", "1000"] } of containers) {
    await containerd.mustCtr(runArgs(runtime, ["-d", ...flags], id, ...args));
  }
  await body();
  for (const { id } of containers) await removeContainer(containerd, id);
  assert.deepEqual(await settledLeftovers(scope, clean), []);
}

/** The same with one container. */
export function withContainer(scene: Scene, container: Around, body: () => Promise<void>): Promise<void> {
  return withContainers(scene, [container], body);
}

/** Kills a container where it runs, and removes what there is of it. */
export async function removeContainer(containerd: PrivateContainerd, id: string): Promise<void> {
  const state = await listedState(containerd, id);
  if (state !== undefined && state !== "STOPPED") await killContainer(containerd, id);
  if (state !== undefined) await containerd.mustCtr(["task", "rm", id]);
  await containerd.mustCtr(["container", "rm", id]);
}

/** The pid of the shim that serves a container. */
export function shimPid(containerd: PrivateContainerd, id: string): Promise<number> {
  return until(`the shim of ${id}`, () => {
    const shims = processes(containerd.scope([id])).filter(
      ({ comm, args }) => comm.startsWith("containerd-shim") && ` ${args} `.includes(` -id ${id} `),
    );
    return shims[0]?.pid;
  });
}
