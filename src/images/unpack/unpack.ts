import path from "node:path";
import PQueue from "p-queue";
import { abortable } from "../../base/deadline.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { syncFileSystem } from "../../linux/sync-file-system.ts";
import { chainIdsOf } from "../chain-ids.ts";
import type { Descriptor } from "../descriptor.ts";
import type { Digest } from "../digest.ts";
import { Budget, type UnpackLimits } from "./budget.ts";
import type { LayerBlobs } from "./damaged-blob.ts";
import { refused } from "./errors.ts";
import { LayerStore } from "./layer-store.ts";
import type { UnpackProgress } from "./progress.ts";
import { SyncBatch } from "./sync-batch.ts";
import { type LayerSource, type UnpackJob, unpackLayer } from "./unpack-layer.ts";

/** Of an image: its layers as they are in the store, from the lowest on, and their digests unpacked. */
export interface UnpackImage {
  readonly layers: readonly Descriptor[];
  readonly diffIds: readonly Digest[];
}

/** Where layers go, and within which limits. */
export interface UnpackOptions extends UnpackLimits {
  readonly layersDirectory: string;
  /** Whether a layer counts as there only once it is on the disk. */
  readonly syncAfterUnpack: boolean;
  /** How many layers of an image are unpacked at once. */
  readonly layersAtOnce: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: UnpackProgress) => void;
}

/**
 * Unpacks those layers of an image that are not there yet, each into a directory of its own by its chain id, and
 * resolves to the lower directories for an overlay of all of them, the topmost first. A layer that several want at
 * once, in whatever process, is unpacked once. With the first failure all is given up that nobody else waits for;
 * what was not complete then leaves nothing. The signal ends the wait at once.
 */
export async function unpack(
  store: LayerBlobs,
  image: UnpackImage,
  options: UnpackOptions,
): Promise<{ readonly lowerDirs: string[] }> {
  const sources = sourcesOf(image);
  const layers = new LayerStore(options.layersDirectory);
  const { signal = new AbortController().signal } = options;
  await abortable(layers.sweep(), signal);
  const sync = async () => {
    if (options.syncAfterUnpack) await syncFileSystem(options.layersDirectory, { staysAlive: true });
  };
  const job: UnpackJob = {
    store,
    layers,
    image: image.layers.map(({ digest }) => digest).join(" "),
    locks: path.join(options.layersDirectory, "locks"),
    budget: new Budget(options),
    queue: new PQueue({ concurrency: options.layersAtOnce }),
    batch: new SyncBatch(sync),
    rooms: [],
    onProgress: options.onProgress ?? (() => {}),
  };
  await unpackAll(sources, job, signal);
  return { lowerDirs: await lowerDirsOf(sources, layers) };
}

function sourcesOf({ layers, diffIds }: UnpackImage): LayerSource[] {
  if (layers.length !== diffIds.length) {
    throw refused(`the image has ${layers.length} layers, and its configuration tells of ${diffIds.length}`);
  }
  const chainIds = chainIdsOf(diffIds);
  return layers.flatMap(({ digest }, at) => {
    const [diffId, chainId] = [diffIds[at], chainIds[at]];
    return diffId === undefined || chainId === undefined
      ? []
      : [{ digest, diffId, chainId, isLowest: at === 0 }];
  });
}

/** Unpacks all; with the first failure, or the signal, the others are let go, and waited for. */
async function unpackAll(
  sources: readonly LayerSource[],
  job: UnpackJob,
  parent: AbortSignal,
): Promise<void> {
  const controller = new AbortController();
  const onParent = () => controller.abort(parent.reason);
  if (parent.aborted) onParent();
  parent.addEventListener("abort", onParent, { once: true });
  const { signal } = controller;
  try {
    const all = sources.map((source) => unpackLayer(source, job, signal));
    await Promise.allSettled(all.map((one) => one.catch((thrown) => controller.abort(thrown))));
    // Where the caller does not wait any longer, nobody waits for the disk either.
    await abortable(Promise.all(job.rooms), parent);
    signal.throwIfAborted();
  } finally {
    parent.removeEventListener("abort", onParent);
  }
}

/** From the topmost layer down to the lowest, or to one that hides all below it. */
async function lowerDirsOf(sources: readonly LayerSource[], layers: LayerStore): Promise<string[]> {
  const lowerDirs: string[] = [];
  for (const { chainId, digest } of [...sources].reverse()) {
    const layer = await layers.find(chainId);
    if (layer === undefined) {
      throw new StatusError(StatusCode.aborted, `layer ${digest} was removed while its image was unpacked`);
    }
    lowerDirs.push(layer.directory);
    if (layer.isOpaque) break;
  }
  return lowerDirs;
}
