import fs from "node:fs";
import path from "node:path";
import { ContentStore } from "../../../src/images/content-store.ts";
import { ImageStore } from "../../../src/images/image-store.ts";
import { hostPlatform } from "../../../src/images/platform.ts";
import { RegistryClient } from "../../../src/images/registry/client.ts";
import type { PullEvent } from "../../../src/images/registry/progress.ts";
import { pull } from "../../../src/images/registry/pull.ts";
import type { RegistrySettings } from "../../../src/images/registry/settings.ts";
import { withTempDir } from "../../support/files.ts";
import { type FakeRegistry, LIMITS, withRegistry } from "./fake-registry.ts";

/** A host's images, and a client that brings some there. */
export interface Home {
  readonly directory: string;
  readonly store: ContentStore;
  readonly images: ImageStore;
  /** All that was told of progress. */
  readonly events: PullEvent[];
  pull(reference: string, signal?: AbortSignal): ReturnType<typeof pull>;
  /** How many bytes there are of a blob that is on its way; undefined where there is no part of it. */
  sizeOfPart(digest: string): number | undefined;
}

export function makeHome(directory: string, settings: Partial<RegistrySettings> = {}): Home {
  const store = new ContentStore(directory);
  const images = new ImageStore(directory);
  const registry = new RegistryClient({ limits: LIMITS, ...settings });
  const events: PullEvent[] = [];
  return {
    directory,
    store,
    images,
    events,
    pull: (reference, signal) =>
      pull(reference, {
        store,
        images,
        registry,
        platform: hostPlatform(),
        onProgress: (event) => events.push(event),
        ...(signal && { signal }),
      }),
    sizeOfPart: (digest) =>
      fs.statSync(path.join(directory, "ingest", digest.replace(/^.*:/, "")), { throwIfNoEntry: false })
        ?.size,
  };
}

/** What a layer went through, each state once in a row. */
export function statesOf(events: readonly PullEvent[], digest: string): string[] {
  const states = events.flatMap((event) =>
    event.kind === "layer" && event.digest === digest ? [event.state] : [],
  );
  return states.filter((state, at) => state !== states[at - 1]);
}

/** How many bytes of a layer are there, as was told last. */
export function bytesOf(events: readonly PullEvent[], digest: string): number {
  return events.reduce(
    (bytes, event) => (event.kind === "layer" && event.digest === digest ? event.bytes : bytes),
    0,
  );
}

/** Has a registry and a host for one test. */
export async function withBoth<T>(
  body: (registry: FakeRegistry, home: Home) => Promise<T>,
  settings: (registry: FakeRegistry) => Partial<RegistrySettings> = () => ({}),
): Promise<T> {
  return await withRegistry((registry) =>
    withTempDir((directory) => body(registry, makeHome(directory, settings(registry)))),
  );
}
