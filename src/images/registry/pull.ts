import { StatusCode, StatusError } from "../../base/status.ts";
import type { BlobSource, ContentStore } from "../content-store.ts";
import type { Descriptor, Platform } from "../descriptor.ts";
import { readImage, selectManifest } from "../image.ts";
import type { ImageRecord, ImageStore } from "../image-store.ts";
import {
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
  type Manifest,
  parseIndex,
  parseManifest,
} from "../manifest.ts";
import { kindOf } from "../media-types.ts";
import { parseReference, type Reference } from "../reference.ts";
import type { Place, RegistryClient } from "./client.ts";
import { firstOf } from "./mirrors.ts";
import { type LayerProgress, type PullEvent, PullProgress } from "./progress.ts";
import { together } from "./together.ts";

/** Where an image comes from, and where it goes. */
export interface PullOptions {
  readonly store: ContentStore;
  readonly images: ImageStore;
  readonly registry: RegistryClient;
  readonly platform: Platform;
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: PullEvent) => void;
}

/**
 * Fetches an image for a platform, with all that it consists of, and records it under its reference, which it has only
 * once everything is there. What is there already is not fetched again, and what several fetch at once is fetched
 * once. Errors say in one line what each server that was asked has said; what came so far is kept for the next time.
 */
export async function pull(reference: string, options: PullOptions): Promise<ImageRecord> {
  const { signal = new AbortController().signal, onProgress = () => {} } = options;
  return await new Pull(parseReference(reference), { ...options, signal, onProgress }).run();
}

/** An index in an index is found in some images; one that goes deeper was made to keep somebody busy. */
const MAX_DEPTH = 4;

class Pull {
  readonly #reference: Reference;
  readonly #options: Required<PullOptions>;
  readonly #progress: PullProgress;

  constructor(reference: Reference, options: Required<PullOptions>) {
    this.#reference = reference;
    this.#options = options;
    this.#progress = new PullProgress(options.onProgress);
  }

  async run(): Promise<ImageRecord> {
    const { store, images, platform, signal } = this.#options;
    const root = await this.#root();
    await this.#content(root, await this.#manifest(root));
    // What does not fit together is not an image, however whole its parts are.
    await readImage(store, root, platform);
    signal.throwIfAborted();
    const record = {
      reference: this.#reference.name,
      target: root,
      createdAt: new Date().toISOString(),
    };
    await images.put(record);
    return record;
  }

  /** What the reference stands for now, which is in the store then. */
  async #root(): Promise<Descriptor> {
    const { store, registry, signal } = this.#options;
    const { tag = "latest", digest = tag } = this.#reference;
    return await this.#ask(signal, async (place) => {
      const { descriptor, bytes } = await registry.manifest(place, digest, signal);
      const from = nameOf(place);
      await store.ingest(descriptor, (offset) => once(bytes.subarray(offset)), { signal, from });
      return descriptor;
    });
  }

  /** The manifest for the platform, which the root is or leads to. */
  async #manifest(root: Descriptor): Promise<Manifest> {
    const { store, platform } = this.#options;
    let found = root;
    for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
      const kind = kindOf(found.mediaType, this.#reference.name);
      const what = `${kind} ${found.digest}`;
      const bytes = await store.read(found.digest, MAX_MANIFEST_BYTES);
      if (kind === "manifest") return parseManifest(bytes, what);
      found = selectManifest(parseIndex(bytes, what), platform, what);
      await this.#document(found);
    }
    const told = `${this.#reference.name}: its indexes lie too deep in each other`;
    throw new StatusError(StatusCode.invalidArgument, told);
  }

  /** A manifest or an index that another one names. */
  async #document(wanted: Descriptor): Promise<void> {
    const { store, registry, signal } = this.#options;
    await this.#ask(signal, async (place) => {
      async function* source(offset: number, flight: AbortSignal) {
        const { bytes } = await registry.manifest(place, wanted.digest, flight);
        yield bytes.subarray(offset);
      }
      await store.ingest(wanted, source, { signal, from: nameOf(place) });
    });
  }

  async #content(root: Descriptor, { config, layers }: Manifest): Promise<void> {
    const each = [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
    for (const layer of each) refuseForeign(layer, this.#reference);
    if (config.size > MAX_CONFIG_BYTES) throw tooLarge(config, this.#reference);
    this.#progress.begin(this.#reference.name, root.digest, each);
    const tasks = [config, ...each].map((blob) => (signal: AbortSignal) => this.#blob(blob, signal));
    await together(tasks, this.#options.signal);
  }

  async #blob(blob: Descriptor, signal: AbortSignal): Promise<void> {
    const { store, registry } = this.#options;
    const progress = this.#progress.layer(blob.digest);
    const wasThere = await store.has(blob.digest);
    let isOurs = false;
    await this.#ask(signal, async (place) => {
      const source: BlobSource = (offset, flight) => {
        isOurs = true;
        return registry.blob(place, blob, offset, { signal: flight, ...watchOf(progress) });
      };
      const onBytes = (bytes: number) => progress?.at(bytes);
      await store.ingest(blob, source, { signal, from: nameOf(place), onBytes });
    });
    progress?.to(wasThere && !isOurs ? "exists" : "done");
  }

  /** Asks the mirrors, then the registry. */
  async #ask<T>(signal: AbortSignal, ask: (place: Place) => Promise<T>): Promise<T> {
    const { registry, repository } = this.#reference;
    const endpoints = this.#options.registry.endpoints(registry);
    return await firstOf(endpoints, signal, (endpoint) => ask({ endpoint, repository }));
  }
}

function nameOf({ endpoint, repository }: Place): string {
  return `${endpoint.base}/${repository}`;
}

function watchOf(progress: LayerProgress | undefined) {
  return {
    onBegin: () => progress?.to("fetching"),
    onStall: () => progress?.to("stalled"),
    onRetry: (failure: StatusError) => progress?.to("retrying", failure),
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Some layers may be had only from who made them, under that one's terms; registries do not have them. */
function refuseForeign({ mediaType, digest }: Descriptor, { name }: Reference): void {
  if (!/\.(nondistributable|foreign)\./.test(`${mediaType}.`)) return;
  const told = `${name}: layer ${digest} is one that registries do not give out (${mediaType})`;
  throw new StatusError(StatusCode.unimplemented, told);
}

function tooLarge({ digest, size }: Descriptor, { name }: Reference): StatusError {
  const told = `${name}: configuration ${digest} has ${size} bytes, more than the ${MAX_CONFIG_BYTES} that one may have`;
  return new StatusError(StatusCode.resourceExhausted, told);
}
