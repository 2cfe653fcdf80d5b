import type PQueue from "p-queue";
import { abortable } from "../../base/deadline.ts";
import { deferred } from "../../base/deferred.ts";
import { hasCode, StatusCode } from "../../base/status.ts";
import type { Digest } from "../digest.ts";
import { singleFlightBySource } from "../single-flight-by-source.ts";
import type { Budget } from "./budget.ts";
import { type LayerBlobs, removeIfDamaged } from "./damaged-blob.ts";
import { about, broken } from "./errors.ts";
import { type Extracted, extractLayer } from "./extract.ts";
import type { LayerStore, NewLayer } from "./layer-store.ts";
import type { UnpackProgress } from "./progress.ts";
import type { SyncBatch } from "./sync-batch.ts";

/** A layer of an image. */
export interface LayerSource {
  /** As it is in the store. */
  readonly digest: Digest;
  /** Unpacked. */
  readonly diffId: Digest;
  /** With all below it. */
  readonly chainId: Digest;
  readonly isLowest: boolean;
}

/** What the layers of an image share while they are unpacked. */
export interface UnpackJob {
  readonly store: LayerBlobs;
  readonly layers: LayerStore;
  /** What tells the image from others, which may have the same layers packed in another way, or wrongly. */
  readonly image: string;
  /** Where it is noted down which layers are being unpacked. */
  readonly locks: string;
  readonly budget: Budget;
  readonly queue: PQueue;
  readonly batch: SyncBatch;
  /** Each resolves when a layer that was begun is in its place, or nothing is left of it. */
  readonly rooms: Promise<void>[];
  readonly onProgress: (progress: UnpackProgress) => void;
}

/** Has a layer unpacked, unless it is there, by this call or by whoever is at it already. */
export async function unpackLayer(source: LayerSource, job: UnpackJob, signal: AbortSignal): Promise<void> {
  const { digest: layer, chainId } = source;
  job.onProgress({ layer, state: "waiting", bytes: 0 });
  if ((await job.layers.find(chainId)) === undefined) {
    const flight = { key: `layer ${chainId}`, source: job.image };
    await singleFlightBySource(job.locks, flight, (ours) => makeLayer(source, job, ours), { signal });
  }
  job.onProgress({ layer, state: "done", bytes: 0 });
}

/** Unpacks a layer, unless that was done just before. */
async function makeLayer(source: LayerSource, job: UnpackJob, signal: AbortSignal): Promise<true> {
  if ((await job.layers.find(source.chainId)) !== undefined) return true;
  const filling = new Filling(source, job, await job.layers.begin(source.chainId));
  const over = deferred();
  job.rooms.push(over.promise);
  try {
    await filling.run(signal);
    over.resolve();
    return true;
  } catch (thrown) {
    filling.discard().then(over.resolve, over.resolve);
    signal.throwIfAborted();
    throw about(`layer ${source.digest}`, await explained(thrown, source, job));
  }
}

/** The error, or that its cause is a blob that is damaged, which is removed then. */
async function explained(thrown: unknown, { digest }: LayerSource, { store }: UnpackJob): Promise<unknown> {
  if (!hasCode(thrown, StatusCode.dataLoss)) return thrown;
  const isDamaged = await removeIfDamaged(store, digest).catch(() => false);
  return isDamaged ? broken("its blob was damaged, and is removed: it has to be fetched again") : thrown;
}

/** A layer's way into the room made for it. */
class Filling {
  readonly #source: LayerSource;
  readonly #job: UnpackJob;
  readonly #room: NewLayer;
  #stopped: Promise<void> = Promise.resolve();

  constructor(source: LayerSource, job: UnpackJob, room: NewLayer) {
    this.#source = source;
    this.#job = job;
    this.#room = room;
  }

  /** Unpacks when it is its turn among the image's layers, has that synced and puts it in its place. */
  async run(signal: AbortSignal): Promise<void> {
    const { batch, queue } = this.#job;
    const filled = batch.run(() => queue.add(() => this.#extract(signal)));
    await this.#room.publish(await abortable(filled, signal));
  }

  /** Removes what there is of it, as soon as nobody is at work there any more. */
  async discard(): Promise<void> {
    await this.#stopped;
    await this.#room.discard();
  }

  async #extract(signal: AbortSignal): Promise<Extracted> {
    signal.throwIfAborted();
    const { digest: layer, diffId, isLowest } = this.#source;
    const { store, budget, onProgress } = this.#job;
    const blob = await store.open(layer);
    let bytes = 0;
    const onBytes = (total: number) => {
      bytes = total;
      onProgress({ layer, state: "unpacking", bytes });
    };
    const options = { diffId, isLowest, budget, signal, onBytes };
    const { done, stopped } = extractLayer(bytesOf(blob), this.#room.directory, options);
    this.#stopped = stopped;
    const extracted = await done;
    onProgress({ layer, state: "writing", bytes });
    return extracted;
  }
}

/** A stream without an encoding gives nothing but bytes. */
async function* bytesOf(stream: NodeJS.ReadableStream): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of stream) yield typeof piece === "string" ? Buffer.from(piece) : piece;
}
