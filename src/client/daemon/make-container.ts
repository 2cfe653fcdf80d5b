import { access, mkdir } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { errnoOf } from "../../base/files.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { fsError } from "../../linux/errno.ts";
import { createBundle } from "../bundle.ts";
import { removeParts } from "../container-parts.ts";
import { launchShim } from "../launch.ts";
import { overlayMount, type PreparedRootfs, prepareRootfs } from "../rootfs.ts";
import { lookUpUser } from "../rootfs-user.ts";
import { resolveShimBinary } from "../shim-binary.ts";
import type { SpecUser } from "../spec.ts";
import { isById } from "../user.ts";
import { markBundle } from "./bundle-mark.ts";
import { specOf } from "./container-spec.ts";
import type { ManagedContainer } from "./managed-container.ts";
import { stopSignalOf } from "./stop-signal.ts";
import type { SupervisorContext } from "./supervisor-context.ts";
import type { StdioPaths } from "./supervisor-options.ts";

/** Checks what can be without making anything; resolves to the shim's binary. */
export function checkConfig({ config }: ManagedContainer): string {
  stopSignalOf(config.stopSignal);
  return resolveShimBinary(config.runtime);
}

/**
 * Throws `alreadyExists` where somebody else has a container with this id: what is on record and not yet made is taken
 * for its own by the next supervisor, and removed.
 */
export async function checkFree({ id, bundle }: ManagedContainer): Promise<void> {
  const isTaken = await access(bundle).then(
    () => true,
    () => false,
  );
  if (isTaken) throw new StatusError(StatusCode.alreadyExists, `container ${id} exists already (${bundle})`);
}

/**
 * Makes a container that is on record: its layer, its bundle, its shim, Create. What was made is in its parts, also
 * when this rejects, and is for {@link unmakeContainer}.
 */
export async function makeContainer(
  context: SupervisorContext,
  container: ManagedContainer,
  stdio: StdioPaths,
): Promise<void> {
  const { config, parts, id } = container;
  const { namespace, limits } = context;
  const binary = checkConfig(container);
  const rootfs = await layerOf(context, container);
  const user = await userOf(context, container, config.user);
  const spec = await specOf(config, { namespace, user });
  const root = path.dirname(path.dirname(container.bundle));
  // Where one is there already, it is another container's, and not to be removed for this one.
  delete parts.bundle;
  parts.bundle = await createBundle({ root, namespace, id, spec });
  await markBundle(container.bundle);
  const command = container.command(binary);
  parts.command = command;
  parts.launched = true;
  const onLog = (line: string) => context.onLog(id, line);
  const { closing: signal } = context;
  parts.shim = await launchShim({ ...command, timeoutMs: limits.launchMs, onLog, signal });
  parts.created = true;
  const { mounts } = rootfs;
  const { terminal } = config;
  const streams = config.logged ? await logOf(context, container) : stdio;
  const request = { id, bundle: container.bundle, rootfs: [...mounts], terminal, ...streams };
  const creating = parts.shim.task.create(request, { timeoutMs: limits.createMs });
  parts.creating = creating;
  const { pid } = await creating;
  if (container.status.phase === "creating") context.store.set(id, { phase: "created", pid });
  await container.save();
}

/** Removes all that was made for a container, but for its record. Rejects with what could not be removed. */
export async function unmakeContainer(container: ManagedContainer): Promise<void> {
  // One of an earlier supervisor was never connected to, and is not asked.
  if (container.parts.launched && container.parts.shim === undefined) await container.killShim();
  await removeParts(container.parts, false);
  delete container.parts.shim;
}

/**
 * Who a user, as typed, is in a container that has its layer, also while that runs; undefined where none was typed.
 * Nothing is written for it, and ids are not looked up: a disk may take in nothing at the moment.
 */
export async function userOf(
  context: SupervisorContext,
  container: ManagedContainer,
  user: string | undefined,
): Promise<SpecUser | undefined> {
  if (user === undefined) return undefined;
  const { stateDir: scratchDir, limits } = context;
  const { lowerDirs: lower } = container.config;
  const mounts = [overlayMount({ lower, ...writtenIn(await layerDirectory(context, container.id)) })];
  const lookUp = () => lookUpUser(user, { mounts, scratchDir, limitMs: limits.userMs });
  return isById(user) ? lookUp() : container.onDisk(`looking up user ${user}`, lookUp);
}

/** The overlay of a container: its layers, and on top of them the directory of what it writes, which is made. */
async function layerOf(context: SupervisorContext, container: ManagedContainer): Promise<PreparedRootfs> {
  const { records, places } = context;
  const { id, config } = container;
  const dir = await layerDirectory(context, id);
  const { upper, work } = writtenIn(dir);
  return container.onDisk("making the layer", async () => {
    try {
      await places.make(dir, records.directory(id));
      for (const made of [upper, work]) await makeDirectory(made);
      return await prepareRootfs({ kind: "overlay", lower: config.lowerDirs, upper, work }, dir);
    } catch (error) {
      throw fsError(`make the layer of container ${id} in ${dir}`, error);
    }
  });
}

function writtenIn(layer: string): { readonly upper: string; readonly work: string } {
  return { upper: path.join(layer, "upper"), work: path.join(layer, "work") };
}

/** With its parents Node would make it as well, but say of a full disk that a parent is not there. */
async function makeDirectory(dir: string): Promise<void> {
  await mkdir(dir, { mode: 0o755 }).catch((error: unknown) => {
    if (errnoOf(error) !== "EEXIST") throw error;
  });
}

async function layerDirectory({ records }: SupervisorContext, id: string): Promise<string> {
  const dir = await records.layerOf(id);
  if (dir !== undefined) return dir;
  throw new StatusError(StatusCode.notFound, `there is no record of container ${id}`);
}

/** The one file that a container's output goes to. */
async function logOf(context: SupervisorContext, { id, config }: ManagedContainer): Promise<StdioPaths> {
  const { href } = pathToFileURL(path.join(await layerDirectory(context, id), "output"));
  return config.terminal ? { stdout: href } : { stdout: href, stderr: href };
}
