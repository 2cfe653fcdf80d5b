import os from "node:os";
import type { ImagesConfig } from "../../config/schema.ts";
import type { Platform } from "../../images/descriptor.ts";
import type { ImageRecord } from "../../images/image-store.ts";
import { RegistryClient } from "../../images/registry/client.ts";
import { dockerConfigFile, dockerCredentials } from "../../images/registry/credentials.ts";
import type { LayerState, PullEvent } from "../../images/registry/progress.ts";
import { pull } from "../../images/registry/pull.ts";
import type { ImageEvent, LayerPhase } from "./image-event.ts";
import type { ImageSide } from "./image-side.ts";

/** What is fetched, and who wants it. */
export interface FetchOptions {
  readonly platform: Platform;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress: (event: ImageEvent) => void;
}

/** Fetches an image from its registry, by this host's settings and the users of `docker login`, and keeps its record. */
export async function fetchImage(
  { blobs, images, settings }: ImageSide,
  reference: string,
  { platform, signal, onProgress }: FetchOptions,
): Promise<ImageRecord> {
  return await pull(reference, {
    store: blobs,
    images,
    platform,
    registry: clientFor(settings),
    ...(signal && { signal }),
    onProgress: (event) => {
      if (event.kind !== "total") onProgress(imageEventOf(event));
    },
  });
}

/** One for all who fetch by the same settings, as they share tokens and take turns. */
const clients = new Map<string, RegistryClient>();

function clientFor({ mirrors, insecureRegistries, limits }: ImagesConfig): RegistryClient {
  const file = dockerConfigFile(process.env, os.homedir());
  const key = JSON.stringify([file, mirrors, insecureRegistries, limits]);
  const known = clients.get(key);
  if (known !== undefined) return known;
  // Read when a registry is asked for the first time: who needs no user needs no such file.
  const credentials = (host: string) => dockerCredentials(file)(host);
  const client = new RegistryClient({ credentials, mirrors, insecureRegistries, limits });
  clients.set(key, client);
  return client;
}

/** What is fetched is still to be unpacked. */
const PHASES: Readonly<Record<LayerState, LayerPhase>> = {
  waiting: "waiting",
  fetching: "fetching",
  stalled: "stalled",
  retrying: "retrying",
  exists: "fetched",
  done: "fetched",
};

function imageEventOf(event: Exclude<PullEvent, { kind: "total" }>): ImageEvent {
  if (event.kind === "layers") return event;
  const { kind, digest, state, bytes, reason } = event;
  return { kind, digest, phase: PHASES[state], bytes, ...(reason !== undefined && { reason }) };
}
